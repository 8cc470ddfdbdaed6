"""Writes docs/faults.md: what the tests try on purpose, and what happens.

    python tests/fault_table.py

A test says so of itself, with a marker whose two texts stand in the table:

    @pytest.mark.fault("two streams of one network share weight names", "each counts")

The marks are read from the source, so that the table needs no run and no TensorFlow.
"""

import ast
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "faults.md"
_HEAD = """# Faults: what is tried, and what happens

Written by `make faults` from the tests that try it; a test compares this page with them. Each line
is a kind of mistake or of trouble, and what tfmeta does about it: the right numbers, or a refusal
that names the cause.

| what is tried | what happens | the test |
| --- | --- | --- |
"""


def faults() -> list[tuple[str, str, str]]:
    """`(what is tried, what happens, "file::test")` of every marked test, in their order."""
    return [found for path in sorted(TESTS.glob("test_*.py")) for found in _of_file(path)]


def _of_file(path):
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                tried, happens = (ast.literal_eval(argument) for argument in mark.args)
                yield tried, happens, f"{path.name}::{node.name}"


def page() -> str:
    """The whole of docs/faults.md."""
    rows = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in faults())
    return _HEAD + "".join(f"| {row} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page())
