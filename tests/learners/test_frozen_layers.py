"""Frozen layers that hold others, which Keras loads thawed."""

import keras
import numpy as np
import pytest
from keras import layers

import tfmeta
from tfmeta.networks import feature_map

SHAPE = (4, 6)


def network_with_attention():
    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    x = layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs)
    x = layers.Dense(5, name="dense")(layers.Flatten()(x))
    return keras.Model(inputs, x)


def of_frozen():
    return tfmeta.OnFeatures(network_with_attention(), tfmeta.Ridge(feature_map((5,))))


def of_frozen_attention():
    network = network_with_attention()
    network.get_layer("attention").trainable = False
    return tfmeta.Prototypical(network)


@pytest.mark.parametrize("learner_of", [of_frozen, of_frozen_attention])
@pytest.mark.fault(
    "a run on a frozen network with attention is resumed",
    "the same weights are trained, with the optimizer's state",
)
def test_a_loaded_learner_trains_what_it_trained(learner_of, tmp_path):
    learner = learner_of()
    learner.compile("adam")
    learner.optimizer.build(learner.trainable_variables)
    learner.optimizer.variables[2].assign(learner.optimizer.variables[2] + 1)
    learner.save(tmp_path / "learner.keras")
    again = tfmeta.load(tmp_path / "learner.keras")
    assert len(learner.trainable_variables) in (2, 4)
    for name in ("trainable_variables", "non_trainable_variables"):
        was, found = ([v.path for v in getattr(each, name)] for each in (learner, again))
        assert found == was
    for was, found in zip(learner.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found, was)


def test_a_loaded_network_that_is_frozen_once_more_is_frozen(tmp_path):
    network = network_with_attention()
    network.trainable = False
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    learner = tfmeta.OnFeatures(loaded, tfmeta.Prototypical(feature_map((5,))))
    assert {v.path for v in learner.trainable_variables} == {"change/kernel", "change/bias"}


def test_what_a_frozen_model_thaws_stays_thawed():
    inner = network_with_attention()
    outer = keras.Sequential([keras.Input(SHAPE), inner])
    inner.trainable = False
    inner.get_layer("dense").trainable = True
    tfmeta.Prototypical(outer)
    assert inner.get_layer("dense").trainable
