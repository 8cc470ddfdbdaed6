"""Runs with augmentation: they go on to the same bits, and validation never sees it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from augmented import NOISE
from stops import after

from tfmeta.commands.reporting import Reporter
from tfmeta.errors import UserError
from tfmeta.training import plan
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer
from tfmeta.workflows.train import one_step

# Runs
TINY = {
    "pipeline": "sinusoid",
    "shots": 5,
    "queries": 5,
    "meta_batch": 4,
    "steps": 12,
    "log_every": 4,
    "validate_every": 4,
    "validation_tasks": 6,
    "checkpoint_seconds": 0,
    "augment": [NOISE],
    "learner.vectorised": False,  # without the wait for XLA
}


def train(make_trainer, windows=99):
    """Trains, and stops after some windows of steps."""
    with Reporter("train") as reporter:
        return make_trainer().train(reporter, should_stop=after(windows))


def started(run_dir, **changes):
    return lambda: Trainer.start(Settings().updated({**TINY, **changes}), run_dir)


def lines(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_that_stops_and_goes_on_ends_in_the_same_bits(tmp_path):
    assert train(started(tmp_path / "whole")).finished
    assert train(started(tmp_path / "cut"), windows=1).step == 4
    assert train(lambda: Trainer.resume(tmp_path / "cut", {})).step == 12
    whole, cut = (RunDirectory.open(tmp_path / name).load_checkpoint() for name in ("whole", "cut"))
    assert whole[1] == cut[1] == 12
    for a, b in zip(whole[0].variables, cut[0].variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert lines(tmp_path / "whole") == lines(tmp_path / "cut")


def test_validation_never_sees_it(tmp_path):
    # So small a rate that the weights stay as they are.
    for name, layers in (("plain", []), ("augmented", [NOISE])):
        train(started(tmp_path / name, augment=layers, outer_lr=1e-30))
    plain, augmented = lines(tmp_path / "plain"), lines(tmp_path / "augmented")
    scores = [[line["validation_mse"] for line in each] for each in (plain, augmented)]
    assert scores[0] == scores[1]
    losses = [[line["loss"] for line in each] for each in (plain, augmented)]
    assert all(a != b for a, b in zip(*losses, strict=True))


def test_a_dry_run_augments_its_step(monkeypatch):
    seen = []

    def augment(episodes, first):
        seen.append((episodes.support_x.shape, first.dtype))
        return episodes

    monkeypatch.setattr(plan, "build_augmentation", lambda *_, **__: augment)
    one_step(Plan.make(Settings().updated({**TINY, "train_shots": 7})))
    assert seen == [((4, 7, 1), tf.int64)]


def test_a_layer_that_will_not_do_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="RandomFlip of augment refuses"):
        Trainer.start(Settings().updated({**TINY, "augment": ["RandomFlip"]}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="RandomFlip of augment refuses"):
        one_step(Plan.make(Settings().updated({**TINY, "augment": ["RandomFlip"]})))
