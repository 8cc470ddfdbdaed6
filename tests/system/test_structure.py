"""Nothing is too long to take in at once, and no two files of tests share a name."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("tfmeta", "pipelines", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_ARGUMENTS = 300, 50, 6


def takes_a_users_options(function, path) -> bool:
    """Whether a user names the arguments: of a command, a pipeline, a network or a learner.

    There may be any number of those, and the lines that declare and explain them do not count.
    """
    room, name = path.relative_to(ROOT).parent.as_posix(), function.name
    return (
        any(ast.unparse(each).startswith("click.command(") for each in function.decorator_list)
        or (room == "pipelines" and name == "build")
        or (room == "tfmeta/networks" and name == path.stem)
        or (room == "tfmeta/learners" and name == "__init__")
    )


def num_arguments(function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(each.arg not in ("self", "cls") for each in named)


def num_lines(function, *, of_the_body: bool) -> int:
    first = function.lineno
    if of_the_body:
        has_docstring = ast.get_docstring(function) is not None
        first = function.body[0].end_lineno + 1 if has_docstring else function.body[0].lineno
    return function.end_lineno - first + 1


def too_long(path) -> dict[str, int]:
    """What in a file is too long, in words, and how long it is."""
    place, text = path.relative_to(ROOT).as_posix(), path.read_text()
    found = {}
    if (lines := len(text.splitlines())) > MOST_LINES_OF_A_FILE:
        found[f"{place} has too many lines"] = lines
    for each in ast.walk(ast.parse(text)):
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        name, exempt = f"{place}: {each.name}", takes_a_users_options(each, path)
        if (lines := num_lines(each, of_the_body=exempt)) > MOST_LINES_OF_A_FUNCTION:
            found[f"{name} has too many lines"] = lines
        if not exempt and (arguments := num_arguments(each)) > MOST_ARGUMENTS:
            found[f"{name} has too many arguments"] = arguments
    return found


def test_nothing_is_too_long():
    found = {what: number for path in FILES for what, number in too_long(path).items()}
    assert not found, "divide it by subject; a test's fixtures count as arguments"


SEVEN = "a, b, c, /, d, e, f, *, g"


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("tfmeta/a.py", "\n" * 301, {"a.py has too many lines": 301}),
        ("tfmeta/a.py", "\n" * 300, {}),
        ("tfmeta/a.py", "def f():\n" + "    g()\n" * 50, {"a.py: f has too many lines": 51}),
        ("tfmeta/a.py", "def f():\n" + "    g()\n" * 49, {}),
        ("tfmeta/a.py", f"def f({SEVEN}): ...", {"a.py: f has too many arguments": 7}),
        ("tfmeta/a.py", "class A:\n def f(self, a, b, c, d, e, f): ...", {}),
        ("tfmeta/a.py", f"@click.command()\ndef f({SEVEN}): ...", {}),
        ("tfmeta/a.py", f"def build({SEVEN}): ...", {"a.py: build has too many arguments": 7}),
        ("pipelines/a.py", f"def build({SEVEN}): ...", {}),
        ("pipelines/a.py", f"def built({SEVEN}): ...", {"a.py: built has too many arguments": 7}),
        (
            "pipelines/a.py",
            "def build():\n" + "    g()\n" * 51,
            {"a.py: build has too many lines": 51},
        ),
    ],
)
def test_what_is_too_long_is_found(place, text, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / place
    path.parent.mkdir()
    path.write_text(text)
    assert too_long(path) == {what.replace("a.py", place): n for what, n in expected.items()}


def test_no_two_files_of_tests_have_one_name():
    """pytest imports a file by its name alone, so it would refuse the second one."""
    files = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not {name: number for name, number in files.items() if number > 1}
