"""The best checkpoint by validation is kept beside the last, and is what is used."""

import json
import zipfile

import keras
import numpy as np
import pytest
from closeness import assert_close
from small_runs import STILL, VALUES, lines, train
from stops import after

import tfmeta
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory

CHANGES = {
    **{"log_every": 5, "validate_every": 5, "steps": 20, "validation_tasks": 20},
    **{"meta_batch": 8, "network_options": {"units": [16]}, "outer_lr": 0.01},
}


class Weights(keras.callbacks.Callback):
    """Keeps the weights after each window, and may put others in place."""

    def __init__(self, spoil_after=None, at_the_end=None):
        super().__init__()
        self.by_epoch, self._spoil_after, self._at_the_end = [], spoil_after, at_the_end

    def on_epoch_end(self, epoch, logs=None):
        self.by_epoch.append(self.model.get_weights())
        if epoch == self._spoil_after:
            random = np.random.default_rng(0)
            weights = [random.normal(size=w.shape) for w in self.model.get_weights()]
            self.model.set_weights(weights)

    def on_train_end(self, logs=None):
        if self._at_the_end is not None:
            self.model.set_weights(self._at_the_end)


def steps_of(run, kind):
    return [int(path.stem[5:]) for path in sorted((run.path / "checkpoints").glob(f"{kind}-*"))]


def same(some, others):
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A run whose weights are spoiled after its second window, and its callback."""
    place, witness = tmp_path_factory.mktemp("best") / "run", Weights(spoil_after=1)
    return train(place, VALUES, callbacks=[witness], **CHANGES), witness


def test_the_weights_of_the_best_validation_are_used(spoiled):
    run, witness = spoiled
    scores = {line["step"]: line["validation_mse"] for line in lines(run)}
    assert min(scores, key=scores.get) == 10  # the weights of later steps are spoiled
    assert steps_of(run, "best") == [10]
    assert RunDirectory.open(run).best == (10, scores[10])
    best, last = (tfmeta.load(run, checkpoint=each).get_weights() for each in ("best", "last"))
    assert same(best, witness.by_epoch[1])
    assert same(last, witness.by_epoch[3])
    assert same(tfmeta.load(run).get_weights(), best)
    assert RunDirectory.open(run).step == 20


def test_evaluation_and_export_use_it_unless_told_otherwise(spoiled, tmp_path):
    run, _ = spoiled
    protocol = {"split": "validation", "tasks": 20, "baselines": False, "is_recorded": False}
    best, last = (tfmeta.evaluate(run, checkpoint=c, **protocol).facts for c in ("best", "last"))
    step, score = RunDirectory.open(run).best
    assert (best["step"], last["step"]) == (step, 20)
    assert best["mse"] == score
    assert last["mse"] == lines(run)[-1]["validation_mse"] > score
    assert tfmeta.evaluate(run, **protocol).facts == best


def test_a_run_that_ends_below_its_start_keeps_the_start(tmp_path, caplog):
    caplog.set_level("INFO", "tfmeta")
    # Its first window raises the error, and the others begin with spoiled weights.
    spoil, changes = Weights(spoil_after=0), {**CHANGES, "outer_lr": 3.0}
    run = train(tmp_path / "run", VALUES, callbacks=[spoil], **changes)
    assert steps_of(run, "best") == [0]
    assert "training made the learner no better: validation_mse" in caplog.text
    assert "The start is kept and used" in caplog.text
    start = train(tmp_path / "start", VALUES, **{**CHANGES, **STILL, "steps": 1})
    for kept, of_start in zip(
        *(tfmeta.load(each).get_weights() for each in (run, start)), strict=True
    ):
        assert_close(kept, of_start, scale=1.0)


def test_what_a_callback_puts_in_place_at_the_end_is_validated_too(spoiled, tmp_path):
    best = tfmeta.load(spoiled[0]).get_weights()
    spoil = Weights(spoil_after=0, at_the_end=best)
    run = train(tmp_path / "run", VALUES, callbacks=[spoil], **{**CHANGES, "steps": 10})
    assert steps_of(run, "best") == [10]
    assert RunDirectory.open(run).best[1] == RunDirectory.open(spoiled[0]).best[1]
    for each in ("best", "last"):
        found = tfmeta.load(run, checkpoint=each).get_weights()
        assert same(found, best)


def test_a_run_that_goes_on_finds_the_same_best_one(tmp_path):
    whole = train(tmp_path / "whole", VALUES, **CHANGES)
    cut = train(tmp_path / "cut", VALUES, **CHANGES, should_stop=after(1))
    assert (cut.step, steps_of(cut, "best")) == (5, [5])
    # As if it had been killed after a best checkpoint that is newer than the last one.
    later = cut.path / "checkpoints/best-000000007.keras"
    later.write_bytes(sorted((cut.path / "checkpoints").glob("best-*"))[-1].read_bytes())
    cut = tfmeta.train(run_dir=cut, resume=True)
    assert steps_of(cut, "best") == steps_of(whole, "best")
    assert RunDirectory.open(cut).best == RunDirectory.open(whole).best
    weights = [tfmeta.load(run).get_weights() for run in (whole, cut)]
    assert same(*weights)


def test_without_validation_the_last_is_used(tmp_path):
    run = train(tmp_path / "run", VALUES, **{**CHANGES, "validation_tasks": 0})
    assert steps_of(run, "best") == []
    weights = [tfmeta.load(run, checkpoint=each).get_weights() for each in ("best", "last")]
    assert same(*weights)


def test_refused_by_name(spoiled, tmp_path):
    run, _ = spoiled
    with pytest.raises(UserError, match="received checkpoint='newest'; expected 'best' or 'last'"):
        tfmeta.load(run, checkpoint="newest")
    with pytest.raises(UserError, match="received checkpoint='newest'; expected one of: best"):
        tfmeta.export(run, checkpoint="newest", output=tmp_path / "export")
    file = next((run.path / "checkpoints").glob("step-*"))
    with pytest.raises(UserError, match="received checkpoint='last' for the file"):
        tfmeta.load(file, checkpoint="last")


@pytest.mark.parametrize("content", ["no zip", "no score"])
def test_a_damaged_best_one_is_named_with_the_way_out(spoiled, tmp_path, content):
    run, _ = spoiled
    best = next((run.path / "checkpoints").glob("best-*"))
    good = best.read_bytes()
    try:
        if content == "no zip":
            best.write_bytes(b"nothing")
            with pytest.raises(UserError, match=r"is damaged .* choose checkpoint='last'"):
                tfmeta.load(run)
            tfmeta.load(run, checkpoint="last")
        else:
            with zipfile.ZipFile(best, "w") as archive:
                archive.writestr("training.json", json.dumps({"scores": 1}))
            with pytest.raises(UserError, match="is damaged"):
                _ = RunDirectory.open(run).best
    finally:
        best.write_bytes(good)
