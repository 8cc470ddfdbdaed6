"""Thousands of examples at once: the network runs on a few at a time, and answers the same."""

import keras
import numpy as np
import tensorflow as tf
from closeness import assert_close

import tfmeta

NUMBER, UNITS = 150, 3


def test_an_eager_call_embeds_at_most_64_examples_at_once():
    sizes = []

    class Told(keras.layers.Layer):
        def call(self, x):
            sizes.append(x.shape[0])
            return x

    inputs = keras.Input((UNITS,))
    network = keras.Model(inputs, keras.layers.Dense(4)(Told()(inputs)))
    learner = tfmeta.Prototypical(network)
    rng = np.random.default_rng(0)
    x, y = np.float32(rng.normal(size=(NUMBER, UNITS))), np.arange(NUMBER, dtype=np.int32) % 2
    sizes.clear()
    state = learner.adapt(tf.constant(x), tf.constant(y))
    assert sizes == [64, 64, 22]
    outputs = learner.predict_with(state, x).numpy()
    features = x @ network.layers[-1].kernel.numpy()
    means = np.stack([features[y == label].mean(0) for label in range(2)])
    distances = ((features[:, np.newaxis] - means) ** 2).sum(-1)
    # A scale and what is added to both logits aside, they are the distances.
    assert_close(np.argmax(outputs, 1), np.argmin(distances, 1))
    assert_close(outputs[:, 0] - outputs[:, 1], distances[:, 1] - distances[:, 0])
