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
    found = {}
    for path in COMMANDS.glob("*.py"):
        tree = ast.parse(path.read_text())
        modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        if any(module.startswith("tfmeta.workflows") for module in modules):
            found[path.stem] = {
                ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)
            }
    return found


@pytest.mark.parametrize("name", sorted(of_workflows().keys() - WITHOUT))
def test_it_starts_tensorflow_quietly(name):
    assert "start_tensorflow" in of_workflows()[name]


def test_the_others_are_few():
    assert of_workflows().keys() > WITHOUT
    assert len(of_workflows()) > 10
