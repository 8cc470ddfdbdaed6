"""A command that works with TensorFlow starts it by `start_tensorflow`, which keeps it quiet.

What that function does is tested in a process of `predict` (`test_predict.py`).
"""

import ast
import sys
from pathlib import Path

import pytest
import trained

import tfmeta.commands

COMMANDS = Path(tfmeta.commands.__file__).parent
# Two start it in their workflows, `verify` in a process of its own, and `runs` not at all.
WITHOUT = {"explain", "predict", "runs", "verify"}
MISTYPED = (
    ("learn", "nowhere", "there is no nowhere"),
    ("learn", "some.csv", "--label", "c", "no column 'c'"),
    ("learn", "some.csv", "--label", "b", "--features", "a,q", "no column 'q'"),
    ("learn", "some.csv", "--target", "b", "--output", "some.csv", "some.csv is a file"),
    ("learn", "some.csv", "--label", "b", "--target", "a", "label='b' and target='a'"),
    ("learn", "some.csv", "--target", "b", "--missing", "median", "expected mean, or numbers by"),
    ("learn", "some.csv", "--target", "b", "--categories", "{bad", "option by column, which is no"),
    ("train", "nothing", "unknown pipeline 'nothing'"),
    ("train", "glyphs", "--algorithm", "none", "unknown algorithm 'none'"),
    ("inspect", "glyphs", "--set", "network=none", "of the pipeline's, or validation_tasks"),
    ("train", "glyphs", "--network", "none", "unknown network 'none'"),
    ("inspect", "nothing", "unknown pipeline 'nothing'"),
    ("explain", "nowhere", "a.png", "nowhere is no run directory"),
)


def of_workflows():
    """`{command: for each of its functions that imports a workflow, what it calls}`."""
    found = {}
    for path in COMMANDS.glob("*.py"):
        functions = ast.walk(ast.parse(path.read_text()))
        for function in (each for each in functions if isinstance(each, ast.FunctionDef)):
            nodes = list(ast.walk(function))
            imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
            if any(
                (node.module or "").startswith("tfmeta.workflows") and node.names[0].name.islower()
                for node in imports  # and not a class
            ):
                calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
                found.setdefault(path.stem, []).append(calls)
    return found


@pytest.mark.parametrize("name", sorted(of_workflows().keys() - WITHOUT))
def test_it_starts_tensorflow_quietly(name):
    for calls in of_workflows()[name]:
        assert "start_tensorflow" in calls


def test_the_others_are_few():
    assert of_workflows().keys() > WITHOUT
    assert len(of_workflows()) > 10


def test_what_is_mistyped_is_refused_before_the_wait_for_tensorflow(tmp_path):
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    code = (
        "import sys\nfrom tfmeta.cli import main\n"
        f"for *command, _ in {MISTYPED!r}:\n"
        "    try:\n        main(command)\n"
        "    except SystemExit:\n        pass\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = trained.run([sys.executable, "-c", code], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    for line, (*command, expected) in zip(errors, MISTYPED, strict=True):
        assert expected in line, command
