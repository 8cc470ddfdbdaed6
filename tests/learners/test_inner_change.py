"""What the inner steps change, layer by layer, and what the answer is with part of that."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart
from conformance_table import ROWS, classification_batch, each_name, one_task

import tfmeta

STEPPING = ("MAML", "MetaSGD", "MetaLSTM", "Reptile")


@pytest.fixture(autouse=True)
def exact(float64):
    keras.utils.set_random_seed(3)


@each_name(ROWS, turn=1)
def test_all_layers_together_are_what_adaptation_makes(name):
    learner = ROWS[name].make()
    episode = one_task(classification_batch(dtype=np.float64))
    change = learner.inner_change(episode.support_x, episode.support_y)
    assert (change is not None) == (ROWS[name].learner in STEPPING)
    if change is not None:
        state = change.with_changed(range(len(change.names)))
        expected = learner.adapt(episode.support_x, episode.support_y)
        outputs = (learner.predict_with(each, episode.query_x) for each in (state, expected))
        assert_close(*outputs)
        assert sum(change.is_head) == 1
        assert change.is_head[-1]


def test_sizes_and_parts_of_the_change_by_numpy():
    """One step of gradient descent on a network of two layers."""
    rng = np.random.default_rng(0)
    x, y, query = rng.normal(size=(6, 3)), np.array([0, 1, 0, 1, 1, 0]), rng.normal(size=(2, 3))
    network = tfmeta.networks.mlp((3,), 2, units=(4,))
    learner = tfmeta.MAML(network, inner_steps=1, inner_learning_rate=0.3)
    w1, b1, w2, b2 = (np.array(v) for v in network.trainable_variables)
    hidden = np.maximum(x @ w1 + b1, 0)
    odds = np.exp(hidden @ w2 + b2)
    error = (odds / odds.sum(-1, keepdims=True) - np.eye(2)[y]) / 6
    back = (error @ w2.T) * (hidden > 0)
    moves = [0.3 * each for each in (x.T @ back, back.sum(0), hidden.T @ error, error.sum(0))]
    change = learner.inner_change(tf.constant(x), tf.constant(y))
    features, head = change.layers()
    assert (features.num_weights, head.num_weights) == (16, 10)
    assert (features.is_head, head.is_head) == (False, True)
    assert_close(features.size, np.sqrt((w1**2).sum() + (b1**2).sum()))
    assert_close(features.moved, np.sqrt((moves[0] ** 2).sum() + (moves[1] ** 2).sum()))
    assert_close(head.moved, np.sqrt((moves[2] ** 2).sum() + (moves[3] ** 2).sum()))
    before = np.maximum(query @ w1 + b1, 0)
    expected = before @ (w2 - moves[2]) + b2 - moves[3]
    answer = learner.predict_with(change.with_changed({1}), tf.constant(query))
    assert_close(answer, expected)
    assert_far_apart(answer, learner.predict_with(change.with_changed({0}), tf.constant(query)))


def test_statistics_are_those_of_the_support_set_under_the_mixed_weights():
    """With all layers as before, the answer is that of a learner that takes no step worth it."""
    network = tfmeta.networks.conv4((8, 8, 1), 3, filters=4, num_blocks=2)
    assert any("batch" in type(layer).__name__.lower() for layer in network.layers)
    learner = tfmeta.MAML(network, inner_steps=1, inner_learning_rate=0.5)
    episode = one_task(classification_batch(dtype=np.float64))
    change = learner.inner_change(episode.support_x, episode.support_y)
    start = learner.predict_with(change.with_changed(()), episode.query_x)
    both = tf.concat([episode.support_x, episode.query_x], 0)
    still = tfmeta.MAML(network, inner_steps=1, inner_learning_rate=1e-300)
    expected = still.predict_with(still.adapt(episode.support_x, episode.support_y), both)
    assert_close(start, expected[len(episode.support_x) :])


def test_an_adapted_head_is_the_only_layer():
    learner = tfmeta.ANIL(tfmeta.networks.mlp((3,), 2, units=(4,)), inner_steps=1)
    change = learner.inner_change(tf.eye(3, dtype=tf.float64), tf.constant([0, 1, 1]))
    assert change.is_head == [True]
