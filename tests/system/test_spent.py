"""The table of the time that a run of the tests takes."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import spent

BUSY = """
import time
while time.process_time() < 0.3:
    pass
print(flush=True)
input()
"""


def test_processes_that_run_and_that_have_ended_are_counted():
    before = spent.seconds()
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", BUSY], text=True, **streams) as child:
        child.stdout.readline()
        assert spent.seconds() - before > 0.2
        child.communicate("\n")
    assert spent.seconds() - before > 0.2


class Terminal:
    """What a terminal reporter has, and the lines that it is given."""

    def __init__(self, **seconds):
        properties = {name: [(spent._NAME, each)] for name, each in seconds.items()}
        self.stats = {
            "passed": [
                SimpleNamespace(nodeid=f"tests/{name}.py::test_it", user_properties=each)
                for name, each in properties.items()
            ],
            "warnings": [object()],
        }
        self.lines, self.line = [], lambda text: self.lines.append(text.split())
        self.section = self.line


@pytest.fixture(autouse=True)
def _its_own_list(tmp_path, monkeypatch):
    """A run that keeps the list, as `make slow` does, keeps none of these."""
    monkeypatch.setattr(spent, "SLOW_TESTS", tmp_path / "slow_tests.txt")


def test_what_takes_longer_is_added_to_the_list(monkeypatch):
    spent.SLOW_TESTS.write_text("tests/old.py::test_it\n")
    monkeypatch.setenv("TFMETA_SLOW_TESTS", "1")
    spent.pytest_terminal_summary(Terminal(cheap=0.1, dear=0.8))
    expected = "tests/dear.py::test_it\ntests/old.py::test_it\n"
    assert spent.SLOW_TESTS.read_text() == expected


def test_the_dearest_files_come_first_and_short_runs_say_nothing(monkeypatch):
    monkeypatch.delenv("TFMETA_SLOW_TESTS", raising=False)
    terminal = Terminal(cheap=10.0, dear=80.0)
    spent.pytest_terminal_summary(terminal)
    assert terminal.lines[0][:2] == ["1.5", "minutes"]
    assert terminal.lines[1:] == [["80.0", "s", "tests/dear.py"], ["10.0", "s", "tests/cheap.py"]]
    terminal = Terminal(cheap=10.0)
    spent.pytest_terminal_summary(terminal)
    assert terminal.lines == []
