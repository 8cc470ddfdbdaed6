"""Pixels beside features, against NumPy; and what they are for: digits."""

import keras
import numpy as np
import pytest
from closeness import assert_close

import tfmeta
from tfmeta.networks.beside_pixels import BesidePixels, beside_pixels
from tfmeta.networks.feature_map import feature_map

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_averaged_down_and_parts_have_their_lengths(channels):
    images = np.float32(RNG.uniform(size=(3, 16, 24, channels)))
    features = np.float32(RNG.normal(size=(3, 5)))
    blocks = np.float64(images).reshape(3, 8, 2, 8, 3, channels).mean((2, 4)).reshape(3, -1)
    roots = np.sign(features) * np.sqrt(np.abs(np.float64(features)))
    parts = [roots, blocks]
    for part, weight in zip(parts, (1, 0.5), strict=True):
        part *= weight / np.linalg.norm(part, axis=1, keepdims=True)
    expected = np.concatenate(parts, 1) / np.sqrt(1.25)
    found = BesidePixels(0.5)([features, images])
    assert found.shape == (3, 5 + 64 * channels)
    compared = feature_map(found.shape[1:], trained=False)(found).numpy()
    assert_close(compared, expected, roundings=100, scale=1.0)


def test_sides_that_eight_does_not_divide():
    """An average of averages is that of the image, whatever its size."""
    images = np.float32(RNG.uniform(size=(2, 11, 5, 1)))
    squares = BesidePixels(1.0)([np.ones((2, 1), np.float32), images]).numpy()[:, 1:]
    small = np.sqrt(squares)  # of length one
    uniform = np.sqrt(BesidePixels(1.0)([np.ones((2, 1)), np.ones_like(images)]).numpy()[:, 1:])
    assert_close(uniform, np.full((2, 64), 1 / 8), roundings=100, dtype=np.float32)
    direction = small.mean(1) / np.linalg.norm(small, axis=1)
    assert np.all(direction < 1 / 8)


def test_a_network_with_them_is_saved_and_loaded(tmp_path):
    keras.utils.set_random_seed(0)
    network = beside_pixels(tfmeta.networks.conv4((12, 12, 1), None, filters=3), 0.7)
    network.save(tmp_path / "network.keras")
    images = np.float32(RNG.uniform(size=(2, 12, 12, 1)))
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(images), network(images))
    assert beside_pixels(network, 0) is network


def test_the_option_of_efficientnet():
    network = tfmeta.networks.efficientnet_lite0((32, 32, 3), weights=None, size=32, pixels=0.5)
    assert network.output_shape == (None, 1280 + 8 * 8 * 3)
    with pytest.raises(ValueError, match="received pixels=-1"):
        tfmeta.networks.efficientnet_lite0((32, 32, 3), weights=None, pixels=-1)
