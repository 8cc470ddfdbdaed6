"""Sound files with a bad model in them: each fault is found by the check that is meant for it."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import trained
from hand_made import (
    CallsPython,
    Drifts,
    HandMade,
    MixesExamples,
    NeedsXla,
    TakesAnything,
    hand_made,
    rewrite_warm_up,
)
from verified import failures


def add_to_output(amount):
    from tfmeta.exporting.loading.tensor_protos import from_proto, to_proto

    def change(log):
        if log.request.model_spec.signature_name == "adapt_and_predict":
            for proto in log.response.outputs.values():
                proto.CopyFrom(to_proto(from_proto(proto) + np.float32(amount)))

    return change


def test_an_answer_unlike_the_python_learners_fails_warm_up(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, add_to_output(0.001))
    failed = failures(tmp_path)
    assert failed.keys() == {"warm_up"}
    assert "adapt_and_predict: prediction: differs by" in failed["warm_up"]


def test_an_answer_like_the_python_learners_but_for_rounding_passes(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, add_to_output(2e-6))
    assert failures(tmp_path) == {}


def test_a_wrong_class_name_fails_warm_up(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)

    def change(log):
        log.response.outputs["label"].string_val[0] = b"somebody else"

    rewrite_warm_up(version, change)
    assert failures(tmp_path).keys() == {"warm_up"}


def test_a_signature_without_a_record_fails(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    rewrite_warm_up(version, lambda log: log.request.model_spec.signature_name != "adapt")
    failed = failures(tmp_path)
    assert failed.keys() == {"load"}
    assert "adapt" in failed["load"]


def test_a_hand_made_model_without_a_fault_passes(tmp_path):
    hand_made(HandMade(), tmp_path)
    assert failures(tmp_path) == {}


@pytest.mark.parametrize(
    ("faulty", "check", "message"),
    [
        (NeedsXla, "graph", "_XlaMustCompile"),
        (CallsPython, "graph", "EagerPyFunc"),
        (Drifts, "determinism", "predict: prediction differs between two equal requests"),
        (MixesExamples, "batching", "predict in a batch: prediction: differs by"),
        (TakesAnything, "refusals", "x with nan was answered"),
    ],
    ids=["XLA", "Python", "drift", "mixing", "no refusals"],
)
def test_one_fault_fails_the_one_check_for_it(faulty, check, message, tmp_path):
    hand_made(faulty(), tmp_path)
    failed = failures(tmp_path)
    assert failed.keys() == {check}
    assert message in failed[check]


def test_a_faulty_default_fails_warm_up(tmp_path):
    """The signature that most requests go to has no record of its own."""
    faulty = HandMade()
    faulty.default = tf.function(
        lambda x: {"prediction": 3 * x}, input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")]
    )
    hand_made(faulty, tmp_path, serving_default=faulty.default)
    failed = failures(tmp_path)
    assert failed.keys() == {"warm_up"}
    assert "serving_default: prediction: differs by" in failed["warm_up"]


def test_a_further_signature_that_refuses_nothing_fails(tmp_path):
    sound, careless = HandMade(), TakesAnything()
    hand_made(sound, tmp_path, recall=careless.predict)
    failed = failures(tmp_path)
    assert failed.keys() == {"refusals"}
    assert "recall: x with nan was answered" in failed["refusals"]


def test_xla_is_found_in_a_real_export_whose_saved_model_was_replaced(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    hand_made(NeedsXla(), tmp_path / "other")
    shutil.copy(tmp_path / "other/1/saved_model.pb", version)
    trained.rewrite_manifest(version)
    assert failures(version).keys() == {"graph"}
