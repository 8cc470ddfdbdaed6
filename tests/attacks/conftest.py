"""A trained run to do harm to, and locks that another process holds."""

import shutil
import subprocess
import sys

import pytest
import trained

LOCK = """
import sys
from tfmeta import files
with files.locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path):
    """A copy of a run of 20 steps."""
    return shutil.copytree(trained.sinusoid_run(), tmp_path / "run")


@pytest.fixture
def locks():
    """Has another process hold the lock of a path; returns its number."""
    processes = []

    def lock(path):
        command = [sys.executable, "-c", LOCK, str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        processes.append(subprocess.Popen(command, **pipes))
        processes[-1].stdout.readline()
        return processes[-1].pid

    yield lock
    for process in processes:
        process.kill()
        process.communicate()
