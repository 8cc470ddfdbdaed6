"""Trained runs that are killed, read or damaged: nothing good is lost."""

import json
import shutil
import signal
import sys
import time
import zipfile

import disks
import kill_points
import mutations
import numpy as np
import peak_memory
import pytest
import trained
from kept_runs import SINUSOID, arrays, assert_same, the_line

import tfmeta
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory

# Kills

# A run as training writes it, by a learner that saves what the real one saved; no TensorFlow.
REWRITTEN = """
import json, shutil, sys, types
from pathlib import Path
guard = types.ModuleType("tfmeta.learners.finite_guard")
guard.refuse_not_finite = lambda learner: None
sys.modules[guard.__name__] = guard
from tfmeta.training.run_directory import RunDirectory

class Learner:
    def __init__(self, saved):
        self.saved = saved

    def save(self, path):
        with open(path, "wb") as file:  # as Keras does
            file.write(self.saved)

run, whole = RunDirectory(sys.argv[1]), Path(sys.argv[2])
with run.locked():
    for text in (whole / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        run.metrics.append(line)
        saved = whole / f"saved/{line['step']}.keras"
        run.save_checkpoint(Learner(saved.read_bytes()), line["step"], minutes=0.1)
"""


@pytest.mark.attack(
    "a run killed at any moment at which it writes metrics or a checkpoint",
    "going on with it ends in the same bits as if nothing had happened",
)
def test_a_run_killed_at_every_point_of_its_checkpoints_ends_in_the_same_bits(
    tmp_path, capfd, monkeypatch
):
    from tfmeta.learners.meta_learner import MetaLearner

    whole, start = tmp_path / "whole", tmp_path / "start"
    save = MetaLearner.save

    def save_twice(learner, path):
        save(learner, path)
        (whole / "saved").mkdir(exist_ok=True)
        step = int(learner.optimizer.iterations.numpy())
        shutil.copy(path, whole / f"saved/{step}.keras")

    monkeypatch.setattr(MetaLearner, "save", save_twice)
    arguments = ["train", *SINUSOID, "--steps", 12, "--run-dir", whole]
    assert trained.inside(capfd, *arguments)[0] == 0
    monkeypatch.undo()
    parts = shutil.ignore_patterns("saved", "metrics.jsonl", "tensorboard", "step-*")
    shutil.copytree(whole, start, ignore=parts)

    def rewritten(number):
        run = shutil.copytree(start, tmp_path / f"run{number}")
        variables = kill_points.environment(tmp_path, run, number)
        done = trained.run([sys.executable, "-c", REWRITTEN, run, whole], **variables)
        assert done.returncode == (-signal.SIGKILL if number else 0), done.stderr
        return run

    assert_same(rewritten(0), whole)
    points = [point.split("/")[-1] for point in kill_points.points(tmp_path)]
    assert ".tfmeta-partial-step-000000004.keras" in points
    assert "step-000000004.keras" in points  # removed when there are two that are newer
    seen = []
    for number in range(1, len(points) + 1):
        run = rewritten(number)
        content = sorted(path.name for path in (run / "checkpoints").glob("step-*"))
        if content in seen:  # and one resumption of each kind will do
            continue
        seen.append(content)
        status, _, errors = trained.inside(capfd, "train", "--resume", "--run-dir", run)
        assert status == 0, errors
        assert_same(run, whole)
        assert not list(run.rglob(".tfmeta-*"))
    assert [len(content) for content in seen] == [0, 1, 2, 3, 2]


# Readers


@pytest.mark.attack(
    "reading a run that another process trains, or that lies on a read-only medium",
    "readers change nothing, and need not be able to",
)
def test_readers_touch_nothing(run, capfd):
    for name in ("partial-1.keras", ".tfmeta-partial-step-000000040.keras"):
        (run / "checkpoints" / name).write_bytes(b"half")
    before = trained.contents(run)
    with disks.read_only(run):
        tfmeta.load(run)
        assert trained.inside(capfd, "replay", run, "--step", 20, "--json")[0] == 0
        line = the_line(
            capfd, "evaluate", run, "--tasks", 2, "--json", output='{"algorithm": "maml", "mse": '
        )
    assert "the result is not recorded: cannot write" in line
    assert "Read-only file system" in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "evaluating a run whose results.json is damaged, or on a full disk",
    "the figure is shown, then one line says that it is not recorded; the file stays",
)
@pytest.mark.parametrize("harm", ["damaged", "full"])
def test_a_figure_is_shown_before_it_is_recorded(harm, tmp_path, capfd):
    with disks.full(tmp_path / "disk", 1024) as fill:
        run = shutil.copytree(trained.sinusoid_run(), tmp_path / "disk/run")
        (run / "results.json").write_text("[{" if harm == "damaged" else "[]")
        if harm == "full":
            fill()
        before = trained.contents(run)
        shown = the_line(capfd, "evaluate", run, "--tasks", 2, output="mean squared error ")
        assert "the result is not recorded" in shown
        assert {"damaged": "results.json is missing or damaged", "full": "No space left"}[
            harm
        ] in shown
        assert trained.contents(run) == before


@pytest.mark.attack(
    "a run of the first versions, with its progress beside its checkpoints",
    "loaded, evaluated and gone on with as before",
)
def test_a_run_of_before_goes_on(run, tmp_path, capfd):
    shutil.copytree(run, tmp_path / "new")
    trained.as_of_before(run, minutes=500)
    assert (RunDirectory.open(run).step, RunDirectory.open(run).minutes) == (20, 500)
    assert trained.inside(capfd, "evaluate", run, "--tasks", 2)[0] == 0
    for path in (run, tmp_path / "new"):
        arguments = ["train", "--resume", "--run-dir", path, "--steps", 40]
        assert trained.inside(capfd, *arguments)[0] == 0
    assert_same(run, tmp_path / "new")
    assert RunDirectory.open(run).minutes > 500 > RunDirectory.open(tmp_path / "new").minutes > 0
    assert not (run / "progress.json").exists()


# Damage


@pytest.mark.attack(
    "`--resume` with a bad byte in the metrics", "refused by the line, and nothing is changed"
)
def test_metrics_that_are_damaged_end_nothing(run, capfd):
    lines = [json.dumps({"step": step, "loss": 1.0}) for step in (10, 20)]
    (run / "metrics.jsonl").write_text(f"{lines[0][:-1]}\n{lines[1]}\n")
    before = trained.contents(run)
    line = the_line(capfd, "train", "--resume", "--run-dir", run, "--steps", 30)
    assert "metrics.jsonl is damaged: line 1 is not a step's metrics" in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "mutated checkpoints: flipped bits, cut, empty, a FIFO, a folder, endless",
    "loaded with the very weights, or refused in one line; within 10 s and 1 GB",
)
def test_mutated_checkpoints_are_loaded_as_they_were_or_refused(run):
    rng = np.random.default_rng(1)
    (checkpoint,) = (run / "checkpoints").iterdir()
    content = checkpoint.read_bytes()
    expected = arrays(run)[1]
    memory = peak_memory.start_again()
    refused = 0
    for _ in range(mutations.NUMBER):
        kind, began = mutations.mutated(checkpoint, rng), time.monotonic()
        try:
            received = arrays(run)[1]
        except UserError as error:
            refused += 1
            assert f"checkpoint {checkpoint} is damaged" in str(error)  # noqa: PT017
        except TypeError:
            assert kind == "delete"
        else:
            for value, before in zip(received, expected, strict=True):
                np.testing.assert_array_equal(value, before)
        assert time.monotonic() - began < 10, kind
        shutil.rmtree(checkpoint) if checkpoint.is_dir() else checkpoint.unlink(missing_ok=True)
        checkpoint.write_bytes(content)
    assert refused
    assert peak_memory.mebibytes() - memory < 1024


def test_a_checkpoint_says_how_long_it_took_and_is_a_keras_file(run):
    (checkpoint,) = (run / "checkpoints").iterdir()
    with zipfile.ZipFile(checkpoint) as archive:
        minutes = json.loads(archive.read("training.json"))["minutes"]
    assert 0 < minutes == RunDirectory.open(run).minutes
    assert isinstance(tfmeta.load(checkpoint), tfmeta.MAML)
