"""Errors that nobody foresaw: a user sees one line, and the whole story is in a file."""

import re
import stat
import tempfile
from pathlib import Path

import click
import pytest
from trained import inside

from tfmeta.cli import main

_FAULT = (
    r"Error: this is a fault of tfmeta, not yours \((.*)\)\. The full story is in (\S+); please"
)
_MEMORY = r"Error: there is not enough memory for this \((.*)\); .* Where it happened is in (\S+)\n"


def endless():
    return endless()


def no_memory():
    import tensorflow as tf

    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


def raised(error):
    def raise_it(*_, **__):
        raise error

    return raise_it


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """Adds a command `fail` that calls a function; stories are written to `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("TFMETA_RAISE")

    def add(function):
        monkeypatch.setitem(main.commands, "fail", click.Command("fail", callback=function))

    return add


@pytest.mark.attack(
    "an error that nobody foresaw, of any kind",
    "one line that says so, and a file with the whole story, which nobody else may read",
)
@pytest.mark.parametrize(
    ("function", "expected", "said"),
    [
        (raised(KeyError("x\x1b[31m")), _FAULT, r"KeyError: 'x\x1b[31m'"),
        (raised(ValueError("one\ntwo")), _FAULT, "ValueError: one"),
        (raised(OSError(5, "no")), _FAULT, "OSError: [Errno 5] no"),
        (raised(AssertionError()), _FAULT, "AssertionError: no reason given"),
        (endless, _FAULT, "RecursionError: maximum recursion depth exceeded"),
        (raised(MemoryError()), _MEMORY, "MemoryError: no reason given"),
        (no_memory, _MEMORY, "ResourceExhaustedError: OOM when allocating"),
    ],
)
def test_one_line_and_a_story(function, expected, said, failing, capfd):
    failing(function)
    status, out, err = inside(capfd, "fail")
    assert (status, out, err.count("\n")) == (1, "", 1)
    found = re.match(expected, err)
    assert found, err
    assert found[1] == said
    story = Path(found[2])
    assert "Traceback (most recent call last)" in story.read_text()
    assert stat.S_IMODE(story.stat().st_mode) == 0o600


@pytest.mark.attack("the same, and no file can be written", "the line says how to see the rest")
def test_no_story(failing, capfd, monkeypatch):
    failing(raised(KeyError("x")))
    monkeypatch.setattr(tempfile, "mkstemp", raised(OSError(28, "No space left on device")))
    status, _, err = inside(capfd, "fail")
    assert (status, err.count("\n")) == (1, 1)
    assert "no file, for none can be written" in err
    assert "TFMETA_RAISE=1 shows it" in err


def test_ctrl_c_and_exits_pass(failing, capfd, tmp_path):
    failing(raised(KeyboardInterrupt()))
    assert inside(capfd, "fail") == (1, "", "\nAborted!\n")
    failing(raised(click.exceptions.Exit(3)))
    assert inside(capfd, "fail")[0] == 3
    failing(raised(SystemExit(4)))
    assert inside(capfd, "fail")[0] == 4
    assert not list(tmp_path.iterdir())


def test_the_suite_runs_without_the_net(failing, monkeypatch):
    failing(raised(KeyError("x")))
    monkeypatch.setenv("TFMETA_RAISE", "1")
    with pytest.raises(KeyError):
        main(["fail"])
