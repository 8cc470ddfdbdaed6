"""Says at the end of a run which files took the most time of the processor, and how much in all.

The processes that a test starts are counted. What several files share is counted where it was made.
With TFMETA_SLOW_TESTS=1 those that take longer than `SLOW` are added to `slow_tests.txt`.
"""

import collections
import os
import resource
from pathlib import Path

import pytest

MOST_MINUTES = 23  # of the processor, for the whole suite: 12 minutes on two cores
_SHOWN = 15
SLOW = 0.5  # seconds of the processor that a test may take in `make quick`
SLOW_TESTS = Path(__file__).with_name("slow_tests.txt")
_NAME = "processor seconds"
_TICKS = os.sysconf("SC_CLK_TCK")


def seconds() -> float:
    """What this process and those that it started have taken so far."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages) + _of_living(os.getpid())


def function_of(test: str) -> str:
    """`tests/FILE::FUNCTION` of a test, which may be one of many with other arguments."""
    return test.partition("[")[0]


def _of_living(pid) -> float:
    """Of the processes below one that have not ended; none where there is no /proc."""
    total = 0.0
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(path).split():
            # Its name, in brackets, may have spaces. After it: user and system time, then those of
            # its own children that have ended.
            numbers = _read(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()[11:15]
            total += sum(map(int, numbers)) / _TICKS + _of_living(child)
    return total


def _read(path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    item.stash[_BEGAN] = seconds()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    now = seconds()
    item.user_properties[:] = [(_NAME, now - item.stash[_BEGAN])]
    item.stash[_BEGAN] = now


_BEGAN = pytest.StashKey[float]()


def pytest_terminal_summary(terminalreporter):
    of_tests = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == _NAME:
                    of_tests[report.nodeid] += value
    if os.environ.get("TFMETA_SLOW_TESTS") == "1":
        slow = {function_of(test) for test, value in of_tests.items() if value > SLOW}
        slow.update(SLOW_TESTS.read_text().split())
        SLOW_TESTS.write_text("".join(f"{each}\n" for each in sorted(slow)))
    spent = collections.Counter()
    for test, value in of_tests.items():
        spent[test.partition("::")[0]] += value
    minutes = sum(spent.values()) / 60
    if minutes < 1:
        return
    terminalreporter.section(f"{minutes:.1f} minutes of the processor; at most {MOST_MINUTES}")
    for file, value in spent.most_common(_SHOWN):
        terminalreporter.line(f"{value:7.1f} s  {file}")
