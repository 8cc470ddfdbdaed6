"""What commands write: under a lock, and on a disk that is full or read-only."""

import subprocess

import disks
import pytest
import trained
from kept_runs import SINUSOID, assert_same, the_line

from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory

# Locks


@pytest.mark.attack(
    "`--resume` of a run that is being trained", "refused, with who trains it; nothing changes"
)
def test_a_run_is_trained_by_one_process(run, locks, capfd):
    process = locks(run / "run")
    before = trained.contents(run)
    line = the_line(capfd, "train", "--resume", "--run-dir", run, "--steps", 30)
    assert f"{run} is in use by process {process} on " in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "two commands with one `--output` at once", "the second is refused before it works"
)
def test_an_output_is_written_by_one_process(tmp_path, locks, capfd):
    output = tmp_path / "out"
    process = locks(output)
    (tmp_path / ".tfmeta-partial-out").write_text("half")
    commands = (
        ["episodes", "sinusoid", "--tasks", 2, "--output", output],
        ["optima", trained.sinusoid_run(), "--tasks", 2, "--output", output],
    )
    for command in commands:
        line = the_line(capfd, *command)
        assert f"{output} is in use by process {process} on" in line
    assert (tmp_path / ".tfmeta-partial-out").read_text() == "half"


@pytest.mark.attack(
    "what killed writers left beside episodes and exports", "the next writer removes it"
)
def test_leftovers_go_when_the_next_one_writes(tmp_path, locks, capfd):
    from tfmeta.exporting.writing import litert

    for name in ("episodes", "1.tflite", "2.tflite"):
        (tmp_path / f".tfmeta-partial-{name}").write_text("half")
        (tmp_path / f".tfmeta-lock-{name}").write_text("process 1")
    locks(tmp_path / "2.tflite")  # one that is still being written
    arguments = ["sinusoid", "--tasks", 2, "--output", tmp_path / "episodes"]
    assert trained.inside(capfd, "episodes", *arguments)[0] == 0
    (tmp_path / ".partial-77").mkdir()  # an older version's
    (tmp_path / ".tfmeta-partial-2.tflite").write_text("half")
    assert litert._write(tmp_path, b"content", "{}") == tmp_path / "1.tflite"
    held = {".tfmeta-partial-2.tflite", ".tfmeta-lock-2.tflite"}
    assert {path.name for path in tmp_path.iterdir()} == {"episodes", "1.tflite", *held}
    assert litert._write(tmp_path, b"content", "{}") == tmp_path / "3.tflite"


# Full disks


@pytest.mark.attack(
    "a disk that is full when a checkpoint is written",
    "one line; with room again the run goes on and ends in the same bits",
)
def test_a_checkpoint_on_a_full_disk(tmp_path, capfd):
    whole = tmp_path / "whole"
    assert trained.inside(capfd, "train", *SINUSOID, "--steps", 20, "--run-dir", whole)[0] == 0
    size = sum(path.stat().st_size for path in (whole / "checkpoints").iterdir()) // 1024
    with disks.full(tmp_path / "disk", size + 32) as fill:  # for three there is no room
        del fill
        run = tmp_path / "disk/run"
        line = the_line(capfd, "train", *SINUSOID, "--steps", 20, "--run-dir", run)
        assert line.startswith(f"Error: cannot write {run}/")
        assert "No space left on device" in line
        assert 0 < RunDirectory.open(run).step < 20
        assert not list(run.rglob(".tfmeta-*"))
        subprocess.run(["mount", "-o", "remount,size=8m", tmp_path / "disk"], check=True)
        assert trained.inside(capfd, "train", "--resume", "--run-dir", run)[0] == 0
        assert_same(run, whole)


@pytest.mark.slow
@pytest.mark.attack(
    "a full or read-only disk for episodes, optima, exports, LiteRT files, contact sheets and "
    "streamed images",
    "one line, and nothing is left under any name",
)
@pytest.mark.parametrize("harm", ["full", "read-only"])
def test_outputs_on_a_disk_that_takes_none(harm, tmp_path, capfd, monkeypatch):
    from tfmeta.exporting.writing import litert
    from tfmeta.exporting.writing.exporter import export_model

    disk, reason = tmp_path / "disk", {"full": "No space left", "read-only": "Read-only file"}[harm]
    learner = trained.learner_of(trained.sinusoid_run())
    monkeypatch.setenv("TFMETA_CACHE", str(disk / "cache"))
    streamed = ["image-folder", "--data-dir", trained.support_folder(), "--ways", 1, "--queries", 1]
    commands = [
        ["episodes", "glyphs", "--tasks", 20, "--output", disk / "episodes"],
        ["optima", trained.sinusoid_run(), "--tasks", 50, "--output", disk / "optima"],
        ["inspect", "glyphs", "--contact-sheet", disk / "sheet.png"],
        ["inspect", *streamed, "--set", "pipeline.stream=true"],
    ]
    with disks.full(disk, 64, left=8) as fill:
        fill()
        before = trained.contents(disk)
        with disks.read_only(disk) if harm == "read-only" else _nothing():
            for command in commands:
                line = the_line(capfd, *command)
                assert line.startswith(f"Error: cannot write {disk}/"), line
                assert reason in line, line
            with pytest.raises(UserError, match=f"cannot write .*{reason}.*--output"):
                export_model(learner, disk / "exported")
            with pytest.raises(UserError, match=f"cannot write .*{reason}.*--output"):
                litert._write(disk / "lite", b"x" * 100_000, "{}")
        assert trained.contents(disk) == before


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass
