"""The setting `precision`: what a run computes in, and what comes of it."""

import keras
import numpy as np
import pytest
from model_answers import checked
from small_runs import CLASSES, lines, train
from stops import after

import tfmeta
from tfmeta.errors import UserError
from tfmeta.learners.half_precision import layers_in_half
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings

FEW = {"steps": 8, "validation_tasks": 2}


@pytest.mark.slow
@pytest.mark.fault(
    "a run with precision=mixed_float16 that is interrupted and resumed",
    "the same bits, in float32, and an export that computes in float32 and passes verify",
)
def test_a_run_in_half_precision_resumes_and_is_exported(tmp_path):
    settings = {**CLASSES, **FEW, "precision": "mixed_float16"}
    whole = train(tmp_path / "whole", settings)
    part = train(tmp_path / "part", settings, should_stop=after(2))
    assert (part.step, part.finished) == (4, False)
    resumed = tfmeta.train(run_dir=part.path, resume=True)
    assert lines(resumed) == lines(whole)
    learners = [tfmeta.load(run, checkpoint="last") for run in (whole, resumed)]
    for one, other in zip(*(each.variables for each in learners), strict=True):
        assert one.dtype in ("float32", "int32")
        np.testing.assert_array_equal(one, other)
    assert not layers_in_half(learners[0])  # as in an export, which then has the same answers
    exported = {"kind": "learner", "calibration_tasks": 0, "output": tmp_path / "exported"}
    version = tfmeta.export(whole, **exported)
    assert checked(version, optimize=False)["ok"]
    assert tfmeta.evaluate(whole, tasks=4)["num_tasks"] == 4


@pytest.mark.fault("--precision float64, or any other word", "refused, with what there is")
@pytest.mark.parametrize("precision", ["float64", "float16", "half", 16])
def test_another_precision_is_refused(precision):
    with pytest.raises(UserError, match=r"received precision=.* expected 'float32', 'mixed_bfl"):
        Settings(precision=precision)


@pytest.mark.fault(
    "a mixed precision for a network whose layers have other policies",
    "refused by the network's name",
)
def test_a_network_with_another_policy_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "set_dtype_policy", lambda policy: None)  # as from a file
    settings = {"pipeline": "sinusoid", "precision": "mixed_bfloat16"}
    with pytest.raises(UserError, match=r"'mixed_bfloat16' for the network 'mlp'.* 'float32'"):
        Plan.make(Settings().updated(settings)).build_learner()
    assert Settings().updated(settings).to_flat()["precision"] == "mixed_bfloat16"
    assert "precision" not in Settings(pipeline="sinusoid").to_flat()


@pytest.mark.usefixtures("float64")
def test_full_precision_is_keras_floatx():
    settings = Settings(pipeline="sinusoid", meta_batch=2, steps=2, validation_tasks=0)
    learner = Plan.make(settings).build_learner()
    assert {w.dtype for w in learner.network.weights} == {"float64"}
    assert {layer.compute_dtype for layer in learner.network.layers} == {"float64"}
