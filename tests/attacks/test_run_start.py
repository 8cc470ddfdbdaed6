"""A run's files, without TensorFlow: killed starts, damaged metrics, locks, full disks."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import disks
import kill_points
import mutations
import numpy as np
import pytest
import trained

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.file_lock import FileLock, LockedError
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

FACTS = {"name": "glyphs", "input_shape": [28, 28, 1], "image_format": None, "target_size": None}
SPLITS = {"train": ["a", "b"], "test": ["c"]}
LINES = [{"step": step, "loss": 1.0 / step} for step in (4, 8, 12, 16, 20, 24)]
START = f"""
import sys
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
RunDirectory.create(sys.argv[1], Settings(pipeline="glyphs"), {FACTS}, {SPLITS})
"""


def create(path):
    return RunDirectory.create(path, Settings(pipeline="glyphs"), FACTS, SPLITS)


def python(program, *arguments, **environment):
    return trained.run([sys.executable, "-c", program, *arguments], **environment)


def started(program, *arguments):
    """A process, once it has said its first line."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


# A run's start


@pytest.mark.attack(
    "a run killed at any moment of its start", "there is a whole run, or the place is free for one"
)
def test_a_start_killed_at_every_point_leaves_a_run_or_a_free_place(tmp_path):
    home = tmp_path / "runs"
    home.mkdir()
    python(START, home / "run", **kill_points.environment(tmp_path, home))
    points = kill_points.points(tmp_path)
    expected = trained.contents(home / "run")
    assert {"config.json", "source.json", "splits.json", "environment.json"} == expected.keys()
    assert len(points) > 10
    assert any(point.startswith("os.rename") and "config.json" in point for point in points)
    whole = 0
    for number, point in enumerate(points, 1):
        shutil.rmtree(home / "run")
        killed = python(START, home / "run", **kill_points.environment(tmp_path, home, number))
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)
        if (home / "run/config.json").exists():
            whole += 1
            assert (
                trained.contents(RunDirectory.open(home / "run").path).items() >= expected.items()
            )
        else:
            with pytest.raises(UserError, match="is no run directory"):
                RunDirectory.open(home / "run")
            create(home / "run")
            assert trained.contents(home / "run") == expected
    assert 0 < whole < len(points)


@pytest.mark.attack(
    "a folder that is no run, as `--run-dir`", "refused in one line, and nothing in it changes"
)
@pytest.mark.parametrize(
    "names", [("notes.txt",), ("source.json",), ("config.json", "checkpoints/")]
)
def test_a_folder_of_something_else_is_no_place_for_a_run(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("mine")
    before = trained.contents(tmp_path)
    with pytest.raises(UserError, match="is there already, and is no run to go on with"):
        create(tmp_path)
    with pytest.raises(UserError, match="is no run directory"):
        RunDirectory.open(tmp_path)
    assert trained.contents(tmp_path) == before


@pytest.mark.attack(
    "a run without its splits.json", "evaluating refuses: nobody knows what it was trained on"
)
def test_a_run_without_its_splits_is_not_trusted_to_be_tested(tmp_path):
    run = create(tmp_path / "run")
    run.check_splits(SPLITS)
    run.check_unseen({"test": ["c"]}, "test")
    for content in (None, "{", "[]", '{"train": 3}', '{"test": ["c"]}', '{"train": [[]]}'):
        (run.path / "splits.json").unlink()
        if content:
            (run.path / "splits.json").write_text(content)
        else:
            content = (run.path / "splits.json").touch
        for check in (lambda: run.check_splits(SPLITS), lambda: run.check_unseen(SPLITS, "test")):
            with pytest.raises(UserError, match=r"splits\.json is (missing or )?damaged"):
                check()
        (run.path / "splits.json").touch()


# Metrics


@pytest.fixture
def metrics(tmp_path):
    run = create(tmp_path / "run")
    for line in LINES:
        run.metrics.append(line)
    return run.metrics


@pytest.mark.attack(
    "one bad byte in the metrics of a run that is to go on",
    "the line is named, and nothing is cut but what is after the checkpoint's step",
)
@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\n", b"{"])
def test_damaged_metrics_are_named_and_kept(byte, metrics):
    good = metrics.path.read_bytes()
    at = good.index(b"\n") + 3
    metrics.path.write_bytes(good[:at] + byte + good[at + 1 :])
    for step in (24, 8):
        with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: line 2 is no metrics"):
            metrics.until(step)
    with pytest.raises(UserError, match=r"damaged: line 2"):
        list(metrics.read())
    # What is wrong after the checkpoint is cut with all that is there.
    assert metrics.until(4) == good[: good.index(b"\n") + 1]


def test_only_what_is_after_the_step_is_cut_and_the_rest_is_the_same_bytes(metrics):
    good = metrics.path.read_bytes()
    assert metrics.until(24) == metrics.until(99) == good
    assert [json.loads(line)["step"] for line in metrics.until(14).splitlines()] == [4, 8, 12]
    assert metrics.until(0) == b""
    with metrics.path.open("ab") as file:
        file.write(b'{"step": 28, "lo')  # as a kill cuts it
    assert metrics.until(24) == good
    assert [line["step"] for line in metrics.read()] == [4, 8, 12, 16, 20, 24]
    metrics.cut_to(metrics.until(16))
    assert metrics.path.read_bytes() == good[: len(metrics.path.read_bytes())]
    assert [line["step"] for line in metrics.read()] == [4, 8, 12, 16]


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
    RunDirectory(sys.argv[1]).append_result({"process": int(sys.argv[2]), "number": number})
"""


@pytest.mark.attack("four processes that add 25 results each to a run", "all 100 are there")
def test_results_of_several_processes_are_all_kept(tmp_path):
    run = create(tmp_path / "run")
    command = [sys.executable, "-c", ADD, str(run.path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    results = json.loads(run.results.read_text())
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


# Disks


@pytest.mark.attack(
    "a disk that is full when a run starts", "one line, and nothing of a run is left"
)
def test_a_run_does_not_start_on_a_full_disk(tmp_path):
    with disks.full(tmp_path / "disk", 64, left=8) as fill:
        fill()
        with pytest.raises(UserError, match=r"cannot write .*: No space left on device") as error:
            create(tmp_path / "disk/run")
        assert error.value.exit_status == 1
        assert not (tmp_path / "disk/run").exists()
        (tmp_path / "disk/ballast").unlink()
        create(tmp_path / "disk/run")


@pytest.mark.attack(
    "a disk that is full, or read-only, when a result is added", "one line; the results stay"
)
def test_results_on_a_full_disk_stay(tmp_path):
    with disks.full(tmp_path / "disk", 128) as fill:
        run = create(tmp_path / "disk/run")
        run.append_result({"accuracy": 0.5, "note": "x" * 8000})
        before = trained.contents(run.path)
        fill()
        with pytest.raises(UserError, match=r"cannot write .*: No space left on device"):
            run.append_result({"accuracy": 0.6})
        assert trained.contents(run.path) == before
        with disks.read_only(run.path):
            for write in (run.append_result, run.metrics.append):
                with pytest.raises(UserError, match=r"cannot write .*: Read-only file system"):
                    write({"accuracy": 0.6})
            with pytest.raises(UserError, match=r"cannot write .*run: Read-only file system"):
                run.locked()
        assert trained.contents(run.path) == before


def test_a_replaced_file_is_on_the_disk_before_its_name_and_then_its_folder(tmp_path, monkeypatch):
    """What a power failure can take, in the order of the system's calls."""
    calls = []
    rename, fsync = os.rename, os.fsync
    monkeypatch.setattr(os, "rename", lambda a, b: (calls.append("rename"), rename(a, b)))
    monkeypatch.setattr(
        os, "fsync", lambda f: (calls.append(os.readlink(f"/proc/self/fd/{f}")), fsync(f))
    )
    with files.whole(tmp_path / "folder") as partial:
        partial.mkdir()
        (partial / "file").write_text("content")
    partial = tmp_path / ".tfmeta-partial-folder"
    assert calls == [f"{partial}/file", f"{partial}", "rename", f"{tmp_path}"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_an_error_of_the_system_is_one_line_and_leaves_what_was_there(number, tmp_path):
    (tmp_path / "file").write_text("before")

    def write():
        with files.whole(tmp_path / "file") as partial:
            partial.write_text("half")
            raise OSError(number, "whatever")

    with pytest.raises(UserError) as error:
        write()
    assert str(error.value) == f"cannot write {tmp_path / 'file'}: {os.strerror(number)}"
    assert trained.contents(tmp_path).keys() == {"file"}
    assert (tmp_path / "file").read_text() == "before"


# Mutations


KINDS = ("flip", "cut", "empty", "delete", "fifo", "folder", "deep", "zeros", "huge", "list")


def mutated(path, rng):
    """Does some harm to a file; returns what."""
    kind = rng.choice(KINDS)
    content = path.read_bytes()
    if kind == "flip":
        content = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
    elif kind == "cut":
        path.write_bytes(content[: rng.integers(len(content))])
    else:
        path.unlink()
    if kind == "empty":
        path.touch()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "deep":
        path.write_text("[" * 100_000)
    elif kind == "list":
        path.write_text('[1, {"a": []}]')
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(3 * 2**30)
    return str(kind)


MUTABLE = ("metrics.jsonl", "results.json", "splits.json", "source.json")


@pytest.mark.attack(
    "mutated metrics, results, splits and facts of a run: flipped bits, cut, empty, gone, a FIFO, "
    "a folder, /dev/zero, 3 GB of nothing, 100,000 brackets",
    "read as they were or refused in one line; none changes by it",
)
def test_mutated_files_of_a_run_are_read_or_refused(tmp_path):
    rng = np.random.default_rng(0)
    whole = create(tmp_path / "whole")
    for line in LINES:
        whole.metrics.append(line)
    whole.append_result({"accuracy": 0.5})
    for number in range(10 * mutations.NUMBER):
        run = RunDirectory(shutil.copytree(whole.path, tmp_path / f"run{number}"))
        name = MUTABLE[number % len(MUTABLE)]
        kind = mutated(run.path / name, rng)
        before = os.lstat(run.path / name) if os.path.lexists(run.path / name) else None
        readers = (
            lambda run=run: list(run.metrics.read()),
            lambda run=run: run.metrics.until(24),
            lambda run=run: run.check_splits(SPLITS),
            lambda run=run: run.check_unseen(SPLITS, "test"),
            lambda run=run: run.source_facts,
            lambda run=run: run.settings,
            lambda run=run: run.append_result({"accuracy": 0.6}),
        )
        began = time.monotonic()
        for reader in readers:
            try:
                reader()
            except UserError as error:
                assert name in str(error) or f"data of {run.path}" in str(error)  # noqa: PT017
        assert time.monotonic() - began < 10, (kind, name)
        if name != "results.json" and before:
            assert os.lstat(run.path / name).st_mtime_ns == before.st_mtime_ns
        shutil.rmtree(run.path)
