"""The networks of `keras.applications`: as Keras itself prepares the pixels and computes them."""

import functools
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from closeness import assert_close
from keras import applications as by_keras
from keras.src.applications.convnext import StochasticDepth
from keras.src.backend.config import keras_home
from nightly import rows
from PIL import Image

import tfmeta
from tfmeta.keras_files import load_model
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.named_code import from_file
from tfmeta.networks import applications
from tfmeta.networks.applications import _without_draws

IMAGES = np.random.default_rng(0).random((2, 96, 96, 3), dtype=np.float32)
# One of each way to prepare pixels: "tf", "caffe", "torch", and none. The function is Keras's own
# of each module; the two networks that take the longest to build are left to the night.
MODULES = {
    "MobileNetV2": by_keras.mobilenet_v2,
    "VGG16": by_keras.vgg16,
    "DenseNet121": by_keras.densenet,
    "EfficientNetV2B0": by_keras.efficientnet_v2,
    "ConvNeXtTiny": by_keras.convnext,
}


@functools.cache
def made(name, size):
    keras.utils.set_random_seed(0)
    return applications(name, (size, size, 3), weights=None, size=size)


@pytest.mark.slow
@rows("name", MODULES, each_run=["MobileNetV2", "VGG16", "EfficientNetV2B0"])
def test_its_features_are_those_of_keras_on_prepared_pixels(name):
    network = made(name, 96)
    options = {"include_top": False, "weights": None, "pooling": "avg"}
    plain = getattr(by_keras, name)(input_shape=(96, 96, 3), **options)
    plain.set_weights(network.get_weights())
    prepared = MODULES[name].preprocess_input(255 * IMAGES)
    expected = plain.predict_on_batch(prepared)
    # The roundings of a whole network, whose features are small beside what they are sums of.
    scale = max(1.0, np.abs(expected).max())
    assert_close(network(IMAGES).numpy(), expected, roundings=10_000, scale=scale)


def test_grey_images_of_another_size_are_brought_to_it():
    keras.utils.set_random_seed(0)
    small = applications("MobileNetV2", (24, 24, 1), 3, weights=None, size=32)
    whole = applications("MobileNetV2", (32, 32, 3), 3, weights=None, size=32)
    whole.set_weights(small.get_weights())
    grey = IMAGES[:1, ::4, ::4, :1]
    large = Image.fromarray(grey[0, ..., 0]).resize((32, 32), Image.BICUBIC)
    colour = np.repeat(np.asarray(large)[None, ..., None], 3, -1)
    assert_close(small(grey).numpy(), whole(colour).numpy(), roundings=10_000)  # fifty layers


@pytest.mark.slow
def test_what_would_draw_random_numbers_is_left_out():
    assert not NetworkFunction(made("EfficientNetV2B0", 96)).draws


# ConvNeXt has none of the second at the rate that Keras gives it.
@pytest.mark.parametrize("kind", [keras.layers.Dropout, StochasticDepth])
def test_a_layer_that_would_draw_does_nothing(kind):
    left = _without_draws(kind(0.5, name="dropped"))
    assert type(left) is keras.layers.Identity
    assert left.name == "dropped"


@pytest.mark.parametrize("name", ["ConvNeXtTiny", "VGG16"])
def test_a_file_of_it_is_read_without_trust(name, tmp_path):
    saved = made(name, 32)
    saved.save(tmp_path / "network.keras")
    x = IMAGES[:, :32, :32]
    np.testing.assert_array_equal(load_model(tmp_path / "network.keras")(x), saved(x))


def test_its_own_size_is_what_it_was_trained_on():
    network = applications("EfficientNetB1", (8, 8, 3), weights=None)
    assert network.get_layer("resized").size == 240


def test_weights_that_cannot_be_had_give_one_line(monkeypatch, tmp_path):
    asked = []

    def fails(*arguments, **options):
        asked.append(options)
        raise Exception("URL fetch failure on https://...: None -- Name or service not known")

    folder = Path(keras_home()) / "models"
    module = by_keras.mobilenet_v2
    monkeypatch.setattr("keras.src.applications.mobilenet_v2.file_utils.get_file", fails)
    assert module.MobileNetV2
    with pytest.raises(
        tfmeta.UserError,
        match=r"weights of applications:MobileNetV2 could not be downloaded .*"
        # `tfmeta learn` has no --set
        rf"put the file into {re.escape(str(folder))}, where Keras looks .*"
        r"--set network.weights=FILE, or train without them: --set network.weights=null",
    ):
        applications("MobileNetV2", (32, 32, 3), size=96)
    # Of Keras's folder it is this part, and no other folder is named.
    assert (asked[0]["cache_subdir"], asked[0].get("cache_dir")) == ("models", None)
    with pytest.raises(tfmeta.UserError, match=r"there is no file of weights nowhere\.h5"):
        applications("MobileNetV2", (32, 32, 3), size=96, weights="nowhere.h5")
    (tmp_path / "w.weights.h5").write_bytes(b"no weights")
    with pytest.raises(tfmeta.UserError, match=r"could not be read from .*w\.weights\.h5"):
        applications("MobileNetV2", (32, 32, 3), size=96, weights=str(tmp_path / "w.weights.h5"))


def test_weights_from_a_file_are_read(tmp_path):
    options = {"include_top": False, "weights": None, "input_shape": (96, 96, 3)}
    plain = by_keras.MobileNetV2(**options)
    path = str(tmp_path / "mobile.weights.h5")
    plain.save_weights(path)
    network = applications("MobileNetV2", (96, 96, 3), weights=path, size=96)
    for received, expected in zip(network.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.attack(
    "a run whose settings name a file of weights elsewhere", "refused by name; it is not opened"
)
def test_a_strangers_settings_name_no_file_of_weights(tmp_path):
    weights = from_file(str(tmp_path / "theirs.h5"), "config.json")
    with pytest.raises(tfmeta.UserError, match=r"config\.json asks for the weights in the file"):
        applications("MobileNetV2", (32, 32, 3), size=96, weights=weights)


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(tfmeta.UserError, match=r"no network 'ResNet51' .*; expected one of: ConvN"):
        applications("ResNet51", (32, 32, 3))
