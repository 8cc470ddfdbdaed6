"""Writes docs/faults.md and docs/security.md: what the tests try on purpose, and what happens.

    python tests/helpers/fault_table.py

A test says so of itself, with a marker whose two texts stand in the table:

    @pytest.mark.fault("two streams of one network share weight names", "each counts")
    @pytest.mark.attack("an `ssl.py` lying in a stranger's export", "never imported")

The marks are read from the source, so that the tables need no run and no TensorFlow.
"""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
_DOCS = TESTS.parent / "docs"
_FAULTS = """# Faults: what is tried, and what happens

Written by `make faults` from the tests that try it; a test compares this page with them. Each line
is a kind of mistake or of trouble, and what tfmeta does about it: the right numbers, or a refusal
that names the cause.

| what is tried | what happens | the test |
| --- | --- | --- |
"""
_ATTACKS = """# Attacks: what is tried, and what happens

Written by `make faults` from the tests that try it; a test compares this page with them. Each line
is something that a stranger's file, a request, a kill or a full disk could do, and what tfmeta does
about it. [SECURITY.md](../SECURITY.md) says what is promised; `make attack` runs these tests and
the long ones.

| what is tried | what happens | the test |
| --- | --- | --- |
"""
PAGES = {"fault": (_DOCS / "faults.md", _FAULTS), "attack": (_DOCS / "security.md", _ATTACKS)}


def marked(mark: str) -> list[tuple[str, str, str]]:
    """`(what is tried, what happens, "file::test")` of every test with the mark, in their order."""
    return [found for path in sorted(TESTS.rglob("test_*.py")) for found in _of_file(path, mark)]


def _of_file(path, mark):
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        for call in getattr(node, "decorator_list", ()):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == f"pytest.mark.{mark}":
                tried, happens = (ast.literal_eval(argument) for argument in call.args)
                yield tried, happens, f"{path.relative_to(TESTS).as_posix()}::{node.name}"


def page(mark: str) -> str:
    """The whole of the mark's page."""
    rows = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in marked(mark))
    return PAGES[mark][1] + "".join(f"| {row} |\n" for row in rows)


if __name__ == "__main__":
    for mark, (path, _) in PAGES.items():
        path.write_text(page(mark))
