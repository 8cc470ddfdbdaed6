"""What only `make nightly` runs: further rows of wide tables, and second roads to what is tested.

Each run takes a part of every wide table, always the same, that `in_turn`, `crossed` or `rows`
chooses: every row that stands for code of its own, and every value of each argument. A test that
goes another way to what nearer tests check is a `second_road`, and names them. Nothing else may
be left to the night: no test bears the mark `nightly` but through these four.

A run without TFMETA_NIGHTLY=1 ends with the number of tests that it left out.
"""

import itertools
import os

import pytest

IS_ON = os.environ.get("TFMETA_NIGHTLY") == "1"
PARTS = 3  # of the rows of a table that is taken in turn
_KEY = "tests left to the night"
_LEFT = pytest.StashKey[int]()


def in_turn(argument, table, turn, *, ids=None):
    """A table of which each run takes every third row, from number `turn` on.

    Checks that take the same rows in turns 0, 1 and 2 take all of them in each run.
    """
    _check(len(table) > PARTS and turn in range(PARTS), f"{len(table)} rows, turn {turn}")
    table = list(table)
    return rows(argument, table, each_run=table[turn::PARTS], ids=ids)


def rows(argument, table, *, each_run, ids=None):
    """A table of which each run takes the rows `each_run`."""
    table, each_run = list(table), list(each_run)
    _check(each_run, "no row in each run")
    _check(all(row in table for row in each_run), f"{each_run} are not all in {table}")
    marked = [row if row in each_run else _nightly(row) for row in table]
    return pytest.mark.parametrize(argument, marked, ids=ids)


def crossed(arguments, *axes):
    """All combinations, of which each run takes as many as it needs to have every value once."""
    _check(all(axes), "an axis without values")
    longest = max(map(len, axes))
    each_run = [tuple(axis[i % len(axis)] for axis in axes) for i in range(longest)]
    return rows(arguments, itertools.product(*axes), each_run=each_run)


def second_road(*nearer):
    """A test of what the tests `nearer` find too, in each run: `tests/FILE::NAME`, at least one."""
    _check(nearer and all("::" in each for each in nearer), f"received {nearer}")
    return pytest.mark.nightly(*nearer)


def _nightly(row):
    marks, name = [pytest.mark.nightly], None
    if isinstance(row, type(pytest.param())):
        return pytest.param(*row.values, marks=[*row.marks, *marks], id=row.id)
    values = row if isinstance(row, tuple) else (row,)
    return pytest.param(*values, marks=marks, id=name)


def _check(holds, received):
    if not holds:
        raise ValueError(f"a table that would leave too much to the night: {received}")


def left_out(items):
    """The tests that this run leaves to the night."""
    return [item for item in items if item.get_closest_marker("nightly") and not IS_ON]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    left = left_out(items)
    config.stash[_LEFT] = len(left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left)


def pytest_sessionfinish(session):
    if hasattr(
        session.config, "workeroutput"
    ):  # a worker of xdist tells the process that started it
        session.config.workeroutput[_KEY] = session.config.stash.get(_LEFT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[_LEFT] = getattr(node, "workeroutput", {}).get(_KEY, 0)


def pytest_terminal_summary(terminalreporter, config):
    left = config.stash.get(_LEFT, 0)
    if left:
        terminalreporter.line(
            f"{left} tests are left to `make nightly` (TFMETA_NIGHTLY=1): "
            "further rows of tables, and second roads"
        )
