"""The weighted sum of operations, compared with NumPy."""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.networks.mixed_operation import MixedOperation


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


@pytest.fixture
def candidates():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, 3, size)).astype(np.float32) for size in (4, 2)]


def test_it_is_the_sum_of_the_candidates_by_their_shares(candidates):
    """The smaller one as if zeros followed, and nothing for "none", whose share counts."""
    layer = MixedOperation(["wide", "none", "narrow"])
    layer.build([each.shape for each in candidates])
    layer.structure.assign([0.5, 1.0, -0.3])
    layer.temperature.assign(0.5)
    wide, _, narrow = softmax(np.array([0.5, 1.0, -0.3]) / 0.5)
    expected = wide * candidates[0]
    expected[..., :2] += narrow * candidates[1]
    assert_close(layer(candidates), expected)
    assert layer.compute_output_shape([each.shape for each in candidates]) == (2, 3, 4)


def test_the_temperature_falls_as_a_power_of_the_last_one():
    layer = MixedOperation(["a", "b"], final_temperature=0.04)
    layer.build([(1, 2), (1, 2)])
    found = []
    for done in (0.0, 0.5, 1.0):
        layer.training_progress(done)
        found.append(float(layer.temperature.numpy()))
    assert_close(np.array(found, np.float32), np.array([1, 0.2, 0.04], np.float32))
    assert [each.name for each in layer.trainable_variables] == ["structure"]


def test_it_is_saved_with_its_operations():
    layer = MixedOperation(["a", "none"], final_temperature=0.3, name="structure_here")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("operations", "options", "message"),
    [
        (["a"], {}, r"received operations=\['a'\]; expected two different names or more"),
        (["a", "a"], {}, "expected two different names"),
        ("ab", {}, "received operations='ab'"),
        (["a", "b"], {"final_temperature": 0}, "final_temperature=0; expected a number above 0"),
        (["a", "b"], {"final_temperature": 2}, "1 at most"),
    ],
)
def test_what_makes_no_sense_is_refused(operations, options, message):
    with pytest.raises(ValueError, match=message):
        MixedOperation(operations, **options)
