"""Episodes and networks of a few numbers, and the parts of methods written out by hand in NumPy."""

import keras
import numpy as np
import tensorflow as tf

import tfmeta
from tfmeta.episodes.episode import Episode

WAYS, SHOTS, QUERIES = 3, 2, 2


def identity():
    """An embedding that is its input, so that distances can be worked out by hand."""
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def classifier():
    return tfmeta.networks.mlp((4,), WAYS, units=(5,), activation="tanh")


def episode(seed=0):
    rng = np.random.default_rng(seed)

    def part(number):
        y = np.repeat(np.arange(WAYS, dtype=np.int32), number)
        return tf.constant(rng.normal(size=(WAYS * number, 4))), tf.constant(y)

    return Episode(*part(SHOTS), *part(QUERIES))


def answer(learner, task):
    return learner.predict_with(learner.adapt(task.support_x, task.support_y), task.query_x).numpy()


def squared_distances(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def loss_gradients(network, weights, x, y):
    """The mean cross-entropy's gradient at `weights`, by the network's own variables."""
    start = [v.numpy() for v in network.trainable_variables]
    for variable, value in zip(network.trainable_variables, weights, strict=True):
        variable.assign(value)
    with tf.GradientTape() as tape:
        logits = network(x)
        losses = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    gradients = [g.numpy() for g in tape.gradient(loss, network.trainable_variables)]
    for variable, value in zip(network.trainable_variables, start, strict=True):
        variable.assign(value)
    return float(loss), gradients


def preprocessed(x, p=10.0):
    large = np.abs(x) >= np.exp(-p)
    size = np.where(large, np.log(np.where(large, np.abs(x), 1)) / p, -1)
    return size, np.where(large, np.sign(x), np.exp(p) * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(cell, x, hidden, state):
    z = x @ cell.kernel.numpy() + hidden @ cell.recurrent_kernel.numpy() + cell.bias.numpy()
    i, f, c, o = np.split(z, 4, -1)
    state = sigmoid(f) * state + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(state), state


def gate(layer, *inputs):
    return sigmoid(np.hstack(inputs) @ layer.kernel.numpy() + layer.bias.numpy())
