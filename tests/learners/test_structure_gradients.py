"""The gradients of structure weights, of second order too, compared with finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_gradients

import tfmeta
from tfmeta.networks import search_cells, search_units
from tfmeta.networks.found_structure import mixed_operations

WAYS = 3
WEIGHTS = ["stem*", "cell*", "head"]


def cells():
    options = {"channels": 2, "num_cells": 1, "num_nodes": 2}
    operations = ["none", "identity", "dil_conv_3x3"]
    return search_cells((6, 6, 1), WAYS, operations=operations, **options)


def units():
    options = {"widths": (2, 4), "activations": ("tanh", "elu"), "num_layers": 1}
    return search_units((36,), WAYS, **options)


def task(network):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 2 * WAYS, *network.input_shape[1:]))
    y = tf.tile(tf.range(WAYS), [2])
    return tfmeta.Episode(tf.constant(x[0]), y, tf.constant(x[1]), y)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (cells, {"inner_steps": 2}),
        (cells, {"adapt_layers": WEIGHTS}),
        (units, {"inner_steps": 2, "transductive": True}),
    ],
    ids=["cells", "only weights adapted", "units"],
)
def test_the_structures_meta_gradient_equals_finite_differences(make, options):
    network, episode = make(), None
    for number, layer in enumerate(mixed_operations(network)):
        layer.structure.assign(np.random.default_rng(number).normal(size=layer.structure.shape))
        layer.temperature.assign(0.5)
    learner, episode = tfmeta.MAML(network, inner_learning_rate=0.2, **options), task(network)
    gradients, _ = learner.task_gradients(episode)
    named = zip(learner.trainable_variables, gradients, strict=True)
    pairs = [(v, g) for v, g in named if v.name == "structure"]
    assert len(pairs) == len(mixed_operations(network))

    def loss():
        state = learner.adapt(episode.support_x, episode.support_y)
        return learner.task_loss(episode.query_y, learner.predict_with(state, episode.query_x))

    assert_gradients(tf.function(loss), *zip(*pairs, strict=True), step=2e-5)


def test_an_inner_loop_changes_the_structure_unless_it_is_told_not_to():
    network = units()
    for adapted, layers in ((True, "all"), (False, ["hidden*", "head"]), (True, ["structure*"])):
        learner = tfmeta.MAML(network, adapt_layers=layers)
        episode = tf.nest.map_structure(lambda t: tf.cast(t, "float32"), task(network))
        weights = learner.adapt(episode.support_x, tf.cast(episode.support_y, "int32"))["weights"]
        changed = {name: np.asarray(w) for name, w in weights.items() if "structure" in name}
        assert bool(changed) == adapted
        assert all(np.any(value) for value in changed.values())


@pytest.mark.parametrize("layers", [["cell*"], ["*"], ["hidden1_2", "nothing*"], []])
def test_a_pattern_must_be_of_some_layer(layers):
    if layers == ["*"]:
        assert len(tfmeta.MAML(units(), adapt_layers=layers).adapted) == 8
        return
    with pytest.raises(ValueError, match=r"received adapt_layers=\[.*in which \* stands for any"):
        tfmeta.MAML(units(), adapt_layers=layers)
