"""The network for texts: an embedding, the mean of what is no padding, and its gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart

import tfmeta
from tfmeta import networks

# The network
IDS = np.array([[2, 3, 3, 0, 0], [1, 0, 4, 0, 2], [0, 0, 0, 0, 0], [9, -1, 1, 0, 0]], np.float32)


def test_the_features_are_the_mean_of_the_embeddings_of_what_is_no_padding():
    network = networks.bag_of_tokens((5,), None, vocabulary_size=5, embedding_size=3, units=())
    table = network.get_weights()[0].reshape(5, 3)
    expected = [
        (table[2] + 2 * table[3]) / 3,
        (table[1] + table[4] + table[2]) / 3,
        0 * table[0],
        table[1],  # ids that are none are unknown
    ]
    assert_close(network(IDS), expected)


def test_the_network_has_the_layers_asked_for_and_survives_saving(tmp_path):
    network = networks.bag_of_tokens((5,), 7, vocabulary_size=5, embedding_size=3, units=(6, 4))
    assert network.weights[0].shape == (1, 5 * 3)
    assert [w.shape[-1] for w in network.weights[1::2]] == [6, 4, 7]
    assert networks.bag_of_tokens((5,), None, vocabulary_size=5).output_shape == (None, 64)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(IDS), network(IDS))


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((4, 4), 9, r"input_shape=\(4, 4\); bag_of_tokens takes \(length,\)"),
        ((4,), 2, r"vocabulary_size=2; expected 3 or more"),
    ],
)
def test_a_network_for_no_text_is_refused(shape, size, words):
    with pytest.raises(ValueError, match=words):
        networks.bag_of_tokens(shape, 5, vocabulary_size=size)


def one_hot_loss(weights, x, y):
    """The same network written out with a product in place of the look-up."""
    table, kernel, bias, head, head_bias = weights
    is_token = tf.cast(x != 0, table.dtype)[..., tf.newaxis]
    one_hot = tf.one_hot(tf.cast(x, tf.int32), 8, dtype=table.dtype)
    mean = tf.reduce_sum(is_token * (one_hot @ tf.reshape(table, (8, 4))), 1) / tf.reduce_sum(
        is_token, 1
    )
    logits = tf.nn.relu(mean @ kernel + bias) @ head + head_bias
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("first_order", [False, True])
def test_mamls_gradient_of_the_embedding_is_that_of_a_product_with_one_hots(first_order):
    network = networks.bag_of_tokens((6,), 3, vocabulary_size=8, embedding_size=4, units=(5,))
    network.layers[-1].bias.assign([0.1, -0.2, 0.3])
    rng = np.random.default_rng(0)
    x = tf.constant(rng.integers(1, 8, (12, 6)) * (rng.random((12, 6)) < 0.7) + [[1] + 5 * [0]])
    x, y = tf.cast(tf.minimum(x, 7), tf.float64), tf.constant(np.tile(range(3), 4), tf.int32)
    episode = tfmeta.Episode(x[:6], y[:6], x[6:], y[6:])
    learner = tfmeta.MAML(network, 1, inner_learning_rate=0.5, first_order=first_order)
    gradients, _ = learner.task_gradients(episode)
    weights = [tf.convert_to_tensor(w) for w in network.trainable_variables]
    with tf.GradientTape() as outer:
        outer.watch(weights)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss = one_hot_loss(weights, *episode[:2])
        steps = inner.gradient(loss, weights)
        if first_order:
            steps = [tf.stop_gradient(step) for step in steps]
        adapted = [w - 0.5 * step for w, step in zip(weights, steps, strict=True)]
        loss = one_hot_loss(adapted, *episode[2:])
    expected = outer.gradient(loss, weights)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert_far_apart(wanted, tf.zeros_like(wanted))
        assert_close(gradient, wanted)
