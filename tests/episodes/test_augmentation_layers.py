"""Every random layer of Keras and layers of one's own: which may augment, and which are refused."""

import functools
import inspect
import sys

import keras
import numpy as np
import pytest
from augmented import OPTIONS, batch, examples, source_of
from closeness import assert_at_most
from nightly import rows

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.errors import UserError
from tfmeta.pipelines.sinusoid import Sinusoid

EXAMPLES = {"SpatialDropout1D": (6, 3), "SpatialDropout3D": (2, 3, 4, 3)}
REFUSED = {"AugMix": "draws or state", "CutMix": "mixes", "MixUp": "mixes"}
UNCHANGING = ("RandomCrop",)  # of the size that the images have
SLOW = ("RandAugment", "RandomElasticTransform")
OWN_LAYERS = """
import keras
import numpy as np
import tensorflow as tf


class Right(keras.layers.Layer):
    def __init__(self, size=0.5):
        super().__init__()
        self.size, self.my_draws = size, keras.random.SeedGenerator()

    def call(self, x):
        one, two = (keras.random.uniform(tf.shape(x), seed=self.my_draws) for _ in range(2))
        return x + self.size * (one - two)


class Global(keras.layers.Layer):
    def call(self, x):
        return x + keras.random.uniform(tf.shape(x))


class Stateful(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.uniform(tf.shape(x))


class WhenTraced(keras.layers.Layer):
    def call(self, x):
        return x[:, ::-1] if np.random.rand() < 0.5 else x


class Mixing(keras.layers.Layer):
    def call(self, x):
        return x - tf.reduce_mean(x, 0)


class NotInGraphs(keras.layers.Layer):
    def call(self, x):
        return tf.constant(x.numpy())
"""


def is_random(layer):
    if not inspect.isclass(layer) or not issubclass(layer, keras.layers.Layer):
        return False
    home = layer.__module__.split(".")
    return (
        bool({"preprocessing", "regularization"} & set(home))
        and "seed" in inspect.signature(layer.__init__).parameters
    )


# By the classes, because a layer may have several names.
LAYERS = sorted({each.__name__ for each in vars(keras.layers).values() if is_random(each)})


@pytest.fixture
def own_layers(tmp_path, monkeypatch):
    """The name of an importable module with the layers of `OWN_LAYERS`."""
    name = "tfmeta_test_own_layers"
    (tmp_path / f"{name}.py").write_text(OWN_LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


# Purity

noise = functools.cache(source_of)


@functools.cache
def plain_batch(source):
    return batch(source, first=4)


# What each of them draws is in each run's tests/learners/test_random_layers.py too.
@rows("name", LAYERS, each_run=[*REFUSED, *[n for n in LAYERS if n not in (*REFUSED, *SLOW)][::2]])
def test_every_random_layer_of_keras_draws_by_the_episodes_number_or_is_refused(name):
    source = noise(EXAMPLES.get(name, (8, 8, 3)))
    layers = [{name: OPTIONS.get(name, {})}]
    if name in REFUSED:
        with pytest.raises(UserError, match=f"the layer {name} of augment.*{REFUSED[name]}"):
            build_augmentation(layers, source, seed=0)
        return
    many, one = batch(source, layers, first=4), batch(source, layers, first=5, num_tasks=1)
    for here, there in zip(many, one, strict=True):
        np.testing.assert_array_equal(here[1:2], there)  # a build and a batch of its own
    plain = plain_batch(source)
    assert np.array_equal(examples(many), examples(plain)) == (name in UNCHANGING)
    if source.input_format.value_range:
        assert examples(many).min() >= 0
        assert examples(many).max() <= 1


def test_the_table_has_every_layer_that_it_must_know():
    assert {"RandomFlip", "RandomErasing", "GaussianNoise", "RandAugment"} <= set(LAYERS)
    assert set(OPTIONS) | set(REFUSED) <= set(LAYERS)


def test_a_layer_of_ones_own(images, own_layers):
    x = examples(batch(images, [{f"{own_layers}:Right": {"size": 0.01}}]))
    change = x - examples(batch(images))
    assert change.min() < -0.005 < 0.005 < change.max()
    assert_at_most(abs(change), 0.01)


# Refusals


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Randomflip", r"'Randomflip' .*; expected a class of keras.layers, such as RandomTransl"),
        ("nowhere:Layer", r"'nowhere:Layer' .*No module named 'nowhere'.*package\.module:Class"),
        ("os:path", r"'os:path' .*; expected a class of keras.layers"),
        ({"RandomFlip": "horizontal"}, r"options 'horizontal' of RandomFlip; expected {option:"),
        ({"RandomFlip": {"seed": 1}}, r"without a seed: the run's own decides \(--seed\)"),
        ({"RandomFlip": {"speed": 1}}, r"layer RandomFlip .*'speed': 1.* It takes: mode, "),
        ("RandomHue", r"layer RandomHue .*argument: 'factor'. It takes: factor, value_range, "),
        (
            {"RandomHue": {"factor": 0.1}},
            r"RandomHue of augment refuses examples of shape \(8, 8, 1\): input must have 3 "
            r"channels but input only has 1 channels. Change its options, or leave it out$",
        ),
        ({"RandomCrop": {"height": 6, "width": 8}}, r"makes examples of shape \(6, 8, 1\) from"),
        ("BatchNormalization", r"BatchNormalization of augment has weights, .*; expected a layer"),
        ("MixUp", r"MixUp of augment mixes the examples of an episode, whose labels stay"),
        ("OWN:Global", r"OWN:Global .*does not decide, so that a resumed run would differ"),
        ("OWN:Stateful", r"OWN:Stateful .*expected every draw from a keras.random.SeedGenerator"),
        ("OWN:WhenTraced", r"OWN:WhenTraced of augment has draws or state"),
        ("OWN:Mixing", r"OWN:Mixing of augment mixes the examples"),
        ("OWN:NotInGraphs", r"OWN:NotInGraphs of augment fails in a graph"),
    ],
)
def test_layers_that_will_not_do_are_refused(images, own_layers, layer, message):
    layer = layer.replace("OWN", own_layers) if isinstance(layer, str) else layer
    with pytest.raises(UserError, match=message.replace("OWN", own_layers)):
        build_augmentation(["RandomFlip", layer], images, seed=0)


def test_a_layer_of_images_is_refused_for_what_is_none():
    with pytest.raises(UserError, match=r"RandomFlip of augment refuses examples of shape \(1,\)"):
        build_augmentation(["RandomFlip"], Sinusoid(), seed=0)
    with pytest.raises(UserError, match=r'sinusoid are no images .*"value_range": \[LOW, HIGH\]'):
        build_augmentation([{"RandomBrightness": {"factor": 0.1}}], Sinusoid(), seed=0)
