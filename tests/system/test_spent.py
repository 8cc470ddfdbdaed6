"""The table of the time that a run of the tests takes."""

import subprocess
import sys
from types import SimpleNamespace

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


def test_the_dearest_files_come_first_and_short_runs_say_nothing():
    terminal = Terminal(cheap=10.0, dear=80.0)
    spent.pytest_terminal_summary(terminal)
    assert terminal.lines[0][:2] == ["1.5", "minutes"]
    assert terminal.lines[1:] == [["80.0", "s", "tests/dear.py"], ["10.0", "s", "tests/cheap.py"]]
    terminal = Terminal(cheap=10.0)
    spent.pytest_terminal_summary(terminal)
    assert terminal.lines == []
