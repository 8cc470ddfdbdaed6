"""A run's lock: whom it keeps out, when it ends, and what it never writes through."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import trained
from untrained_runs import create, python, started

from tfmeta.errors import UserError
from tfmeta.file_lock import FileLock, LockedError

# Locks
HOLD = """
import sys
from tfmeta.training.run_directory import RunDirectory
with RunDirectory(sys.argv[1]).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.attack(
    "a second process that writes in a run", "refused, with who has it: process, host and command"
)
def test_a_lock_names_its_holder_and_dies_with_it(tmp_path):
    run = create(tmp_path / "run")
    before = trained.contents(run.path)
    holder = started(HOLD, run.path)
    expected = rf"run is in use by process {holder.pid} on {socket.gethostname()} since 20.*: -c"
    with pytest.raises(LockedError, match=expected):
        run.locked()
    holder.kill()
    holder.communicate()
    assert (run.path / ".tfmeta-lock-run").exists()  # the file stays, the lock does not
    with run.locked():
        pass
    assert trained.contents(run.path) == before


@pytest.mark.attack("two containers whose processes have the same number", "one of them is refused")
def test_processes_of_the_same_number_lock_one_another_out(tmp_path):
    run = create(tmp_path / "run")
    alone = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c"]
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode:
        pytest.skip("this process may not make a container of its own")
    first = subprocess.Popen(
        [*alone, HOLD, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout.readline() == "locked\n"
    second = subprocess.run([*alone, HOLD, run.path], capture_output=True, text=True, input="")
    first.communicate()
    assert "in use by process 1 on" in second.stderr  # as both are
    third = subprocess.run([*alone, HOLD, run.path], capture_output=True, text=True, input="")
    assert third.returncode == 0, third.stderr


@pytest.mark.attack(
    "a lock's file that is a link to another file, a FIFO or a folder",
    "refused; nothing is written through it",
)
@pytest.mark.parametrize("make", ["link", "hard link", "fifo", "folder"])
def test_a_lock_writes_through_no_link(make, tmp_path):
    run = create(tmp_path / "run")
    victim, lock = tmp_path / "victim", run.path / ".tfmeta-lock-run"
    victim.write_text("precious")
    if make == "link":
        lock.symlink_to(victim)
    elif make == "hard link":
        os.link(victim, lock)
    elif make == "fifo":
        os.mkfifo(lock)
    else:
        lock.mkdir()
    with pytest.raises(UserError, match=r"tfmeta-lock-run is no lock of tfmeta's; delete it"):
        run.locked()
    assert victim.read_text() == "precious"
    run.metrics.path.symlink_to(victim)
    with pytest.raises(UserError, match="cannot write"):
        run.metrics.append({"step": 1})
    assert victim.read_text() == "precious"


UNLOCKABLE = """
import errno, fcntl, sys
def flock(*_):
    raise OSError(errno.ENOTSUP, "Operation not supported")
fcntl.flock = flock
from tfmeta.training.run_directory import RunDirectory
for _ in range(2):
    with RunDirectory(sys.argv[1]).locked():
        print("went on")
"""


@pytest.mark.attack(
    "a file system that has no locks", "one line says so once, and the work goes on"
)
def test_a_file_system_without_locks_is_said_in_one_line(tmp_path):
    run = create(tmp_path / "run")
    done = python(UNLOCKABLE, run.path)
    assert done.stdout == "went on\nwent on\n"
    (line,) = done.stderr.splitlines()
    assert "run can't be locked, because its file system has no locks (Operation not supp" in line


ADD = """
import sys
from tfmeta.training.run_directory import RunDirectory
for number in range(25):
    RunDirectory(sys.argv[1]).results.append({"process": int(sys.argv[2]), "number": number})
"""


@pytest.mark.attack("four processes that add 25 results each to a run", "all 100 are there")
def test_results_of_several_processes_are_all_kept(tmp_path):
    run = create(tmp_path / "run")
    command = [sys.executable, "-c", ADD, str(run.path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    results = json.loads(run.results.path.read_text())
    assert len({(each["process"], each["number"]) for each in results}) == len(results) == 100


def test_a_lock_that_is_removed_while_another_waits_for_it_is_taken_anew(tmp_path):
    first = FileLock(tmp_path / "lock", "it")
    taken = []
    waiting = threading.Thread(
        target=lambda: taken.append(FileLock(tmp_path / "lock", "it", wait=9))
    )
    waiting.start()
    time.sleep(0.2)
    assert not taken
    first.release()
    first.release()
    waiting.join()
    with pytest.raises(LockedError):
        FileLock(tmp_path / "lock", "it")
    taken[0].release()
    assert list(tmp_path.iterdir()) == []
