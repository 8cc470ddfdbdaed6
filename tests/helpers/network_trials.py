"""Networks as users build them, each tried with one learner of each way to learn.

`tests/learners/test_networks_table.py` tries them, and docs/layers.md has the table.
"""

from functools import cache

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import tfmeta
from tfmeta import networks
from tfmeta.learners.draws import Draws
from tfmeta.networks.drop_block import DropBlock
from tfmeta.networks.gaussian_head import GaussianHead

WAYS, SHOTS = 3, 2
IMAGE, PIXELS, STEPS, IDS = (8, 8, 2), (32, 32, 3), (6, 4), (5,)

LEARNERS = {
    "maml": lambda network: tfmeta.MAML(network, inner_learning_rate=0.1),
    "prototypical": tfmeta.Prototypical,
    "ridge": tfmeta.Ridge,
    "hypernetwork": lambda network: tfmeta.HyperNetwork(network, units=8),
}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.norm = layers.Dense(8), layers.BatchNormalization()
        self.drop, self.out = layers.Dropout(0.3), layers.Dense(WAYS, name="out")

    def call(self, x, training=None):
        x = keras.ops.tanh(self.norm(self.hidden(x), training=training))
        return self.out(self.drop(x, training=training))


def _subclassed():
    network = Subclassed()
    network(np.zeros((1, 4), np.float32))
    return network


def _of(*inner, shape=IMAGE):
    out = layers.Dense(WAYS, name="out")
    return keras.Sequential([keras.Input(shape), *inner, layers.Flatten(), out])


def _nested():
    inner = keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization()], name="inner")
    inputs = keras.Input(IMAGE)
    outer = keras.Model(inputs, layers.ReLU()(inner(inputs)), name="outer")
    return _of(outer)


def _shared():
    inputs = x = keras.Input((4,))
    dense, norm = layers.Dense(4, activation="tanh"), layers.BatchNormalization()
    for _ in range(2):
        x = norm(dense(x))
    return keras.Model(inputs, layers.Dense(WAYS, name="out")(x))


def _attention():
    inputs = x = keras.Input(STEPS)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 2, dropout=0.2)(x, x))
    return keras.Model(inputs, layers.Dense(WAYS, name="out")(layers.Flatten()(x)))


def _application(make, **options):
    base = make(input_shape=PIXELS, weights=None, include_top=False, pooling="avg", **options)
    return _with_head(base)


def _of_texts(make, **options):
    return _with_head(make(IDS, None, vocabulary_size=9, **options))


def _with_head(base):
    return keras.Model(base.input, layers.Dense(WAYS, name="out")(base.output))


def _normalised(layer):
    return lambda: _of(layers.Conv2D(4, 3), layer(), layers.Activation("tanh"))


NETWORKS = {
    "nested": _nested,
    "subclassed": _subclassed,
    "shared layers": _shared,
    "attention": _attention,
    "recurrent": lambda: _of(layers.LSTM(4, dropout=0.2, unroll=True), shape=STEPS),
    "depthwise": lambda: _of(layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 3)),
    "batch normalisation": _normalised(layers.BatchNormalization),
    "layer normalisation": _normalised(layers.LayerNormalization),
    "group normalisation": _normalised(lambda: layers.GroupNormalization(2)),
    "unit normalisation": _normalised(layers.UnitNormalization),
    "spectral normalisation": lambda: _of(layers.SpectralNormalization(layers.Conv2D(4, 3))),
    "dropout": lambda: _of(
        layers.Conv2D(4, 3), layers.SpatialDropout2D(0.2), layers.BatchNormalization(),
        layers.Dropout(0.2), DropBlock(0.2, 2),
    ),
    "augmentation": lambda: _of(
        layers.RandomFlip(), layers.RandomTranslation(0.2, 0.2), layers.GaussianNoise(0.1),
        layers.Conv2D(4, 3, activation="tanh"),
    ),
    "augmentation after weights": lambda: _of(layers.Conv2D(4, 3), layers.RandomRotation(0.2)),
    "MobileNet": lambda: _application(keras.applications.MobileNet, alpha=0.25),
    "bag_of_ngrams": lambda: _of_texts(networks.bag_of_ngrams, embedding_size=4),
    "text_conv": lambda: _of_texts(networks.text_conv, filters=3),
    "text_transformer": lambda: _of_texts(networks.text_transformer),
    "conv1d": lambda: _with_head(
        networks.conv1d(STEPS, None, filters=(3, 4), kernels=(3, 2))
    ),
    "searched cells": lambda: _with_head(
        networks.search_cells(
            IMAGE, None, channels=2, num_cells=1, operations=["none", "identity", "sep_conv_3x3"]
        )
    ),
    "policy": lambda: _of(layers.Dense(4, activation="tanh"), GaussianHead(2), shape=(4,)),
    "gated units": lambda: _with_head(networks.recurrent(STEPS, None, units=3)),
}  # fmt: skip
TEXTS = {"bag_of_ngrams", "text_conv", "text_transformer"}
# `{network: what the message says}`, for every learner.
REFUSED = {
    "spectral normalisation": "changes its own weight 'kernel' when it runs",
    "augmentation after weights": "has no right gradient",
}
RANDOM = {"subclassed", "attention", "recurrent", "dropout", "augmentation", "bag_of_ngrams"}


_HEAD = """## Networks

Each network is tried with each of these learners: it adapts and answers as plain Keras does, and a
training step is finite and depends on the episode alone. *draws* marks those whose layers draw
random numbers in training.

"""


def section() -> str:
    """What docs/layers.md says of them."""
    names = ("network", *LEARNERS)
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for name in NETWORKS:
        outcome = "as Keras, draws" if name in RANDOM else "as Keras"
        outcome = f"refused: {REFUSED[name]}" if name in REFUSED else outcome
        lines.append(f"| {' | '.join([name, *[outcome] * len(LEARNERS)])} |")
    return _HEAD + "\n".join(lines) + "\n"


@cache
def network(name) -> keras.Model:
    """One for all of its trials."""
    keras.utils.set_random_seed(1)
    return NETWORKS[name]()


@cache
def learner(name, method):
    """Raises ValueError if it is refused."""
    return LEARNERS[method](network(name))


def task(name) -> tfmeta.Episode:
    """One task for it, of two shots, and one query per class."""
    rng = np.random.default_rng(0)
    shape = network(name).input_shape[1:] if name != "subclassed" else (4,)
    size = ((SHOTS + 1) * WAYS, *shape)
    x = rng.integers(0, 9, size) if name in TEXTS else rng.normal(size=size)
    x = tf.constant(x, "float32")
    y = tf.tile(tf.range(WAYS), [SHOTS + 1])
    number = SHOTS * WAYS
    return tfmeta.Episode(x[:number], y[:number], x[number:], y[number:])


def gradients(name, method, words):
    """The meta-gradient of the task, of the layers' draws for these words."""
    with Draws(tf.constant(words, tf.int64)):
        found, logs = learner(name, method).task_gradients(task(name))
    return [*found, logs["loss"]]
