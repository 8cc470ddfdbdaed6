"""A task of two classes whose answer is known, and small learners for it."""

import io

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfmeta.episodes.episode import Episode
from tfmeta.explaining.explainer import Explainer
from tfmeta.learners import ALGORITHMS
from tfmeta.reading.example_reader import Place, SupportSet
from tfmeta.reading.image_format import ImageFormat

SIDE = 8
SHAPE = (SIDE, SIDE, 1)
# Where a picture has its patch: first and last row, first and last column. A class is told by it.
PATCHES = (None, (1, 2, 1, 2), (1, 2, 5, 6), (5, 6, 1, 2), (5, 6, 5, 6))
NAMES = ["one", "other"]


def pictures(patches, rng):
    """Dark noise with a white patch, or none (number 0); in steps of 1 / 255, as in files."""
    x = rng.integers(0, 60, (len(patches), *SHAPE))
    for picture, number in zip(x, patches, strict=True):
        if number:
            top, bottom, left, right = PATCHES[number]
            picture[top : bottom + 1, left : right + 1] = 255
    return (x / 255).astype(np.float32)


def encoded(picture):
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * picture[..., 0]).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def support_set(x, y):
    places = [Place(f"{NAMES[label]}/{row}.png") for row, label in enumerate(y)]
    return SupportSet(NAMES, [encoded(each) for each in x], np.array(y, np.int32), places)


def explainer(learner, x, y):
    return Explainer(learner, ImageFormat(*SHAPE), support_set(x, y))


def explanation(learner, x, y, query, of=None):
    """Of one query, a picture."""
    (found,) = explainer(learner, x, y).explain([Place("query.png")], [encoded(query)], of)
    return found


# Learners

FEW_STEPS = {"inner_steps": 3, "inner_learning_rate": 0.05}
OPTIONS = {
    "maml": FEW_STEPS,
    "fomaml": FEW_STEPS,
    "anil": FEW_STEPS,
    "meta-sgd": FEW_STEPS,
    "reptile": {**FEW_STEPS, "num_minibatches": 1, "inner_optimizer": "sgd"},
    "meta-lstm": {"inner_steps": 3, "inner_learning_rate": 0.05, "hidden_units": 4},
    "transfer": {"num_training_classes": 2},
    "relation": {"filters": 4},
    "hypernetwork": {"units": 16},
}
# What compares or writes weights by networks of its own has to be trained first.
TRAINED = {"relation": 40, "hypernetwork": 50}
HAS_HEAD = ("maml", "fomaml", "anil", "meta-sgd", "reptile", "meta-lstm")


def network(name):
    """The picture itself, with a linear head for a method that needs one."""
    inputs = keras.Input(SHAPE)
    if name == "relation":
        return keras.Model(inputs, keras.layers.Identity()(inputs))
    flat = keras.layers.Flatten()(inputs)
    if name == "hypernetwork":  # which needs weights to write
        return keras.Model(inputs, keras.layers.Dense(8, "relu")(flat))
    if name not in HAS_HEAD:
        return keras.Model(inputs, flat)
    head = keras.layers.Dense(2, kernel_initializer="zeros", name="head")
    return keras.Model(inputs, head(flat))


def learner(name):
    """A learner of the registry, trained where it must be."""
    keras.utils.set_random_seed(1)
    row = ALGORITHMS[name]
    made = row.load()(network(name), **row.options, **OPTIONS.get(name, {}))
    if steps := TRAINED.get(name):
        made.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        made.fit(episodes(), steps_per_epoch=steps, verbose=0)
    return made


def episodes(tasks=8, shots=2, queries=4):
    """Batches of tasks whose two classes have their patches in two places, or one has none."""
    rng = np.random.default_rng(5)

    def batch():
        while True:
            places = rng.permuted(np.tile(np.arange(len(PATCHES)), (tasks, 1)), axis=1)
            parts = []
            for number in (shots, queries):
                y = np.tile(np.repeat([0, 1], number), (tasks, 1))
                x = [pictures(row[labels], rng) for row, labels in zip(places, y, strict=True)]
                parts += [np.stack(x), y.astype(np.int32)]
            yield Episode(*parts)

    specification = tf.nest.map_structure(
        lambda t: tf.TensorSpec(t.shape, t.dtype), next(iter(batch()))
    )
    return tf.data.Dataset.from_generator(batch, output_signature=specification)
