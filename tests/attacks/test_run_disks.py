"""A run's files on full disks, interrupted writes, and mutated files of a run."""

import errno
import os
import shutil
import time

import disks
import mutations
import numpy as np
import pytest
import trained
from mutations import mutated
from untrained_runs import LINES, RESULT, SPLITS, create

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.run_summary import summary_of

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
        run.results.append({"accuracy": 0.5, "note": "x" * 8000})
        before = trained.contents(run.path)
        fill()
        with pytest.raises(UserError, match=r"cannot write .*: No space left on device"):
            run.results.append({"accuracy": 0.6})
        assert trained.contents(run.path) == before
        with disks.read_only(run.path):
            for write in (run.results.append, run.metrics.append):
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
    whole.results.append({**RESULT, "accuracy": 0.5})
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
            lambda run=run: summary_of(run),
            lambda run=run: run.results.append({**RESULT, "accuracy": 0.6}),
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
