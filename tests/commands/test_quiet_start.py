"""A command that works with TensorFlow starts it by `start_tensorflow`, which keeps it quiet.

What that function does is tested in a process of `predict` (`test_predict.py`).
"""

import ast
from pathlib import Path

import pytest

import tfmeta.commands

COMMANDS = Path(tfmeta.commands.__file__).parent
# `predict` starts it in its workflow, `verify` in a process of its own, and `runs` not at all.
WITHOUT = {"predict", "runs", "verify"}


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
