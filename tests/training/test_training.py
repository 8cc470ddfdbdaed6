"""Runs: what they write, and that a killed one ends as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from unittest.mock import ANY

import keras
import numpy as np
import pytest
import trained
from closeness import assert_close
from nightly import rows, second_road

import tfmeta
from tfmeta.commands.reporting import Reporter
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer

TINY = {
    "pipeline": "sinusoid",
    "shots": 5,
    "queries": 5,
    "meta_batch": 4,
    "steps": 23,  # not a whole number of windows
    "log_every": 4,
    "validate_every": 8,
    "validation_tasks": 10,
    "checkpoint_seconds": 0,
    "learner.vectorised": False,  # without the wait for XLA
}
# Slow enough to be killed in the middle, by its convolutions mapped task by task.
IMAGES = """
import numpy as np
from tfmeta.reading.image_format import ImageFormat
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource

def build(*, data_dir=None):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 12, 12, 1), dtype=np.uint8)
    labels, classes = np.repeat(np.arange(24), 10), np.arange(24)
    splits = {"train": classes[:12], "validation": classes[12:18], "test": classes[18:]}
    index = ClassIndex(images, labels, splits, tuple(map(str, classes)))
    return ClassSource("noise", index, input_format=ImageFormat(12, 12))
"""
SETTINGS = "log_every=4 validate_every=12 validation_tasks=6 checkpoint_seconds=0 "
SETTINGS += "network.filters=8 network.num_blocks=2"
ARGUMENTS = ["noise_images:build", "--ways=3", "--queries=2", "--meta-batch=8", "--steps=43"]
ARGUMENTS += [f"--set={setting}" for setting in SETTINGS.split()]


def train(run_dir, **changes):
    settings = Settings().updated({**TINY, **changes})
    with Reporter("train") as reporter:
        return Trainer.start(settings, run_dir).train(reporter)


def lines(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def everything(run_dir):
    """All that must be the same to the bit: weights, optimizer state, metrics."""
    learner, step = RunDirectory.open(run_dir).load_checkpoint()
    arrays = [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]
    return step, arrays, (run_dir / "metrics.jsonl").read_bytes()


def assert_same(one, other):
    assert one[0] == other[0]
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[2] == other[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of `TINY` that came to its end, to be read or copied."""
    run = tmp_path_factory.mktemp("finished") / "run"
    outcome = train(run)
    assert (outcome.step, outcome.finished) == (23, True)
    return run


class Process:
    """`tfmeta train` as a user runs it, in a process that can be killed."""

    def __init__(self, folder, *arguments):
        (folder / "noise_images.py").write_text(IMAGES)
        command = [sys.executable, "-c", "from tfmeta.cli import main; main()", "train"]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        self.metrics = folder / "run" / "metrics.jsonl"
        self._process = subprocess.Popen(
            [*command, *arguments, "--run-dir", str(folder / "run")],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def signal_after(self, num_lines, number):
        """Sends a signal once so many lines of metrics are there."""
        while self._process.poll() is None:
            if self.metrics.exists() and self.metrics.read_text().count("\n") >= num_lines:
                self._process.send_signal(number)
                break
            time.sleep(0.01)
        return self

    def wait(self):
        _, errors = self._process.communicate(timeout=300)
        return self._process.returncode, errors


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A run of the process of the tests."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "noise_images.py").write_text(IMAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        trained.call("train", *ARGUMENTS, "--run-dir", folder / "run")
    return everything(folder / "run")


@pytest.mark.slow
def test_a_run_killed_and_resumed_ends_in_the_same_bits(uninterrupted, tmp_path, monkeypatch):
    killed = Process(tmp_path, *ARGUMENTS).signal_after(4, signal.SIGKILL).wait()
    assert killed[0] == -signal.SIGKILL
    assert len(lines(tmp_path / "run")) < 11
    monkeypatch.syspath_prepend(tmp_path)
    trained.call("train", "--resume", "--trust", "--run-dir", tmp_path / "run")
    assert_same(everything(tmp_path / "run"), uninterrupted)


@pytest.mark.slow
@second_road(
    "tests/attacks/test_run_kept.py"
    "::test_a_run_killed_at_every_point_of_its_checkpoints_ends_in_the_same_bits",
    "tests/training/test_training.py"
    "::test_a_checkpoint_and_a_line_cut_short_by_a_kill_are_passed_over",
    "tests/attacks/test_run_signals.py::test_a_hang_up_leaves_a_checkpoint",
    "tests/commands/test_interruption.py::test_control_c_once_asks_and_twice_ends",
)
def test_a_run_is_killed_before_its_first_checkpoint_and_its_second_start_interrupted(
    uninterrupted, tmp_path
):
    """It starts again, leaves a checkpoint at Control-C, and goes on exactly from there."""
    arguments = [*ARGUMENTS, "--set", "checkpoint_seconds=1000"]
    Process(tmp_path, *arguments).signal_after(2, signal.SIGKILL).wait()
    assert not list((tmp_path / "run/checkpoints").glob("step-*"))
    more = len(lines(tmp_path / "run")) + 1  # than there are when it starts
    again = Process(tmp_path, "--resume", "--trust").signal_after(more, signal.SIGINT)
    status, errors = again.wait()
    assert status == 1
    assert "Traceback" not in errors
    assert "interrupted at step" in errors
    assert f"tfmeta train --resume --run-dir {tmp_path / 'run'}" in errors
    assert Process(tmp_path, "--resume", "--trust").wait()[0] == 0
    assert_same(everything(tmp_path / "run"), uninterrupted)


def test_a_checkpoint_and_a_line_cut_short_by_a_kill_are_passed_over(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "cut")
    newest = sorted((run / "checkpoints").glob("step-*"))[-1]
    newest.rename(run / "checkpoints/partial-1.keras")  # as if killed before the rename
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 999, "lo')
    with Reporter("train") as reporter:
        Trainer.resume(run, {}).train(reporter)
    assert_same(everything(run), everything(finished))
    assert not list((run / "checkpoints").glob("partial-*"))


def test_a_run_directory_holds_what_it_should(finished):
    assert [line["step"] for line in lines(finished)] == [4, 8, 12, 16, 20, 23]
    assert all(np.isfinite(line["loss"]) for line in lines(finished))
    assert [line["step"] for line in lines(finished) if "validation_mse" in line] == [8, 16, 23]
    config = json.loads((finished / "config.json").read_text())
    assert config["steps"] == 23
    assert config["learner.inner_learning_rate"] == 0.01  # the recipe's, resolved
    environment = json.loads((finished / "environment.json").read_text())
    assert {"python", "packages", "cores"} <= environment.keys()
    assert len(list((finished / "checkpoints").glob("step-*.keras"))) == 2
    assert isinstance(tfmeta.load(finished), tfmeta.MAML)


def test_the_rate_follows_a_cosine_to_zero_or_stays(tmp_path):
    train(tmp_path / "cosine", outer_lr=0.01, steps=40)
    rates = [line["learning_rate"] for line in lines(tmp_path / "cosine")]
    expected = [0.005 * (1 + np.cos(np.pi * step / 40)) for step in range(0, 40, 4)]
    assert_close(rates, expected, dtype=np.float32)
    train(tmp_path / "constant", outer_lr=0.01, outer_schedule="constant")
    assert {round(line["learning_rate"], 6) for line in lines(tmp_path / "constant")} == {0.01}


def test_tensorboard_reads_the_scalars(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {"train/loss", "train/learning_rate", "train/tasks_per_second"} <= tags
    assert "validation/mse" in tags
    assert [event.step for event in events.Tensors("train/loss")] == [4, 8, 12, 16, 20, 23]


def test_minutes_are_a_budget_over_every_resumption(tmp_path):
    outcome = train(tmp_path / "run", steps=None, max_minutes=0.02)
    assert outcome.finished
    used = RunDirectory.open(tmp_path / "run").minutes
    assert used >= 0.02
    assert json.loads((tmp_path / "run/config.json").read_text())["steps"] is None
    with Reporter("train") as reporter:
        longer = Trainer.resume(tmp_path / "run", {"max_minutes": used + 0.02}).train(reporter)
    assert longer.step > outcome.step
    assert RunDirectory.open(tmp_path / "run").minutes >= used + 0.02
    with Reporter("train") as reporter:
        assert Trainer.resume(tmp_path / "run", {}).train(reporter) == replace(
            longer, run=ANY, tasks_per_second=0
        )


def test_a_run_can_be_made_longer_but_not_another(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    with pytest.raises(
        UserError, match=r"started with seed=0; received 1. a run that goes on can change"
    ):
        Trainer.resume(run, {"seed": 1})
    with Reporter("train") as reporter:
        outcome = Trainer.resume(run, {"steps": 30}).train(reporter)
    assert outcome.step == 30
    assert [line["step"] for line in lines(run)][-1] == 30


@pytest.mark.slow
@rows("vectorised", [False, True], each_run=[False])
def test_the_seed_decides_everything(vectorised, finished, tmp_path):
    changes = {"learner.vectorised": vectorised}
    runs = {name: tmp_path / name for name in "abc"} | ({} if vectorised else {"a": finished})
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        if not runs[name].exists():
            train(runs[name], seed=seed, **changes)
    assert_same(everything(runs["a"]), everything(runs["b"]))
    assert lines(runs["a"]) != lines(runs["c"])


def test_any_keras_network_trains(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "import keras\n"
        "def tiny(input_shape, num_outputs, width=4):\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(width, 'tanh'),"
        " keras.layers.Dense(num_outputs)])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    train(tmp_path / "run", network="my_networks:tiny", **{"network.width": 6})
    learner = tfmeta.load(tmp_path / "run")
    assert learner.network.layers[0].units == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": -1}, r"steps=-1; expected a whole number from 0 up"),
        ({"shots": None}, r"shots=None; expected a whole number from 1 up"),
        ({"outer_lr": -1}, r"outer_lr=-1; expected a positive number"),
        ({"outer_schedule": "step"}, r"expected 'cosine', 'linear' or 'constant'"),
        ({"outer_optimizer": "lion"}, r"expected 'adam', 'sgd' or 'momentum'"),
        ({"train_ways": 0}, r"train_ways=0; expected a whole number from 1 up"),
        ({"network": "resnet"}, r"unknown network 'resnet'"),
        ({"network": "nowhere:net"}, r"cannot load the network"),
        ({"learner.speed": 1}, r"algorithm maml has no option 'speed'; it has: inner_steps"),
        ({"learner.inner_steps": 0}, r"cannot build the learner: received inner_steps=0"),
        ({"network.depth": 3}, r"the network mlp has no option 'depth'; it has: units"),
        ({"strategy": "tpu"}, r"there is no TPU on this machine to train on"),
        ({"strategy": "multiworker"}, r"TF_CONFIG names no workers; expected TF_CONFIG="),
        ({"strategy": "cluster"}, r"unknown strategy 'cluster'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_written(
    tmp_path, changes, message
):
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_loaded_learner_is_compiled_and_answers(finished):
    learner = tfmeta.load(finished)
    assert isinstance(learner.optimizer, keras.optimizers.Adam)
    x = np.linspace(-5, 5, 5, dtype=np.float32)[:, None]
    state = learner.adapt(x, np.sin(x))
    assert learner.predict_with(state, x).shape == (5, 1)
