"""Images in an NPZ: found by looking, read as image files are, and usable like them."""

import io
import re

import numpy as np
import pytest
import tensorflow as tf
from closeness import RESIZED, assert_same_pixels
from PIL import Image
from sklearn.datasets import load_digits

from tfmeta import UserError, networks
from tfmeta.episodes.episode_source import EpisodeShape
from tfmeta.pipelines.arrays import build
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.row_format import PLAIN
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings


def npz(path, **arrays):
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


@pytest.fixture(scope="module")
def digits():
    """scikit-learn's: `(1797, 8, 8)` float64, whole numbers from 0 to 16, light on dark."""
    found = load_digits()
    return found.images, found.target


def test_images_of_scikit_learn_are_images_whatever_their_numbers_are_stored_as(tmp_path, digits):
    images, labels = digits
    levels = np.rint(images * 255 / 16).astype(np.uint8)[..., np.newaxis]
    for x in (images, images.astype(np.int64), images / 16, levels, levels[..., 0], levels / 255):
        source = build(data_dir=npz(tmp_path, X=x, y=labels))
        assert (source.input_shape, source.input_format.invert) == ((8, 8, 1), False)
        np.testing.assert_array_equal(source.index.examples, levels)
        assert source.pinned_options["images"] is True
    assert source.index.class_names == tuple("0123456789")


def test_the_network_is_conv4_and_sees_pixels_from_0_to_1(tmp_path, digits):
    source = build(data_dir=npz(tmp_path, x=digits[0], y=digits[1]))
    episode = source.draw("train", EpisodeShape(3, 2, 4), 0)(0, 5)
    assert episode.support_x.shape == (5, 6, 8, 8, 1)
    seen = {each.tobytes() for each in np.rint(episode.support_x.numpy().reshape(30, -1) * 255)}
    given = {each.tobytes() for each in np.float32(np.rint(digits[0].reshape(-1, 64) / 16 * 255))}
    assert seen <= given
    plan = Plan.make(Settings(pipeline="arrays", algorithm="prototypical", ways=2), source)
    assert plan.build_learner().network.name == "conv4"
    assert plan.settings.pipeline_options["value_range"] == [0.0, 16.0]


def test_what_a_run_recorded_reads_other_images_in_the_same_way(tmp_path, digits):
    images, labels = digits
    pinned = build(data_dir=npz(tmp_path, x=images, y=labels)).pinned_options
    half = images[::2] / 2  # whose largest number is 8
    again = build(data_dir=npz(tmp_path, x=half, y=labels[::2]), **pinned)
    expected = np.rint(half * 255 / 16).astype(np.uint8)
    np.testing.assert_array_equal(again.index.examples[..., 0], expected)
    refused(r"x of .* holds 17\.0 in image 1; expected uint8, or numbers from 0 to 16", pinned)(
        npz(tmp_path, x=images + 17.0, y=labels)
    )


def refused(words, options=None):
    def check(path):
        with pytest.raises(UserError, match=words):
            build(data_dir=path, **(options or {}))

    return check


@pytest.mark.parametrize(("size", "channels"), [(16, 3), ([10, 14], 1), (None, 1), (None, 3)])
@pytest.mark.parametrize("own_channels", [1, 3])
def test_size_and_channels_are_those_of_image_files(tmp_path, size, channels, own_channels):
    """The same pixels in PNG files, which TensorFlow decodes, become the same examples."""
    x = np.random.default_rng(0).integers(0, 256, (40, 12, 9, own_channels), np.uint8)
    path = npz(tmp_path, x=x, y=np.arange(40) % 10)
    options = {"size": size, "channels": channels, "invert": True, "resize": "pad"}
    source = build(data_dir=path, **options)
    height, width = (12, 9) if size is None else np.broadcast_to(size, 2).tolist()
    image_format = ImageFormat(height, width, channels, invert=True, resize="pad")
    assert source.input_format == image_format
    files = [png(each) for each in x]
    decoded = image_format.decode_all(tf.constant(files)).numpy()
    np.testing.assert_array_equal(source.index.examples, decoded)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_resized_images_are_pillows(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (40, 20, 20), np.uint8)
    source = build(data_dir=npz(tmp_path, x=x, y=np.arange(40) % 10), size=10, invert=False)
    expected = [Image.fromarray(each).resize((10, 10), Image.Resampling.BILINEAR) for each in x]
    assert_same_pixels(source.index.examples[..., 0], np.stack(expected), levels=RESIZED)


def test_ink_on_paper_is_inverted_as_in_files(tmp_path, digits):
    images, labels = digits
    source = build(data_dir=npz(tmp_path, x=16 - images, y=labels))
    assert source.input_format.invert
    expected = 255 - np.rint((16 - images) * 255 / 16)
    np.testing.assert_array_equal(source.index.examples[..., 0], expected)


def test_quarter_turns_are_classes(tmp_path, digits):
    source = build(data_dir=npz(tmp_path, x=digits[0], y=digits[1]), rotations=True)
    assert source.limits("train", EpisodeShape(2, 1, 1))[0] == 4 * 6


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((40, 64)),  # one vector for each example
        np.zeros((40, 17, 3)),  # such as points in space
        np.arange(40 * 16 * 9).reshape(40, 16, 9) / 7,  # series of measurements
        np.random.default_rng(0).normal(size=(40, 16, 16)),
        np.zeros((40, 8, 8, 16)),  # maps of features
        np.zeros((40, 2, 8, 8, 3)),
    ],
    ids=lambda x: "x".join(map(str, x.shape)),
)
def test_what_does_not_look_like_images_stays_what_it_was(tmp_path, x):
    x = x + np.arange(40).reshape(-1, *[1] * (x.ndim - 1)) / 3
    source = build(data_dir=npz(tmp_path, x=x, y=np.arange(40) % 10))
    assert (source.input_shape, source.input_format) == (x.shape[1:], PLAIN)
    assert not source.pinned_options


@pytest.mark.parametrize(
    ("shape", "divided_by", "words"),
    [
        ((8, 8, 3), 127.5, "numbers from 0 to 1 or whole ones. .* --set pipeline.images=true"),
        ((8, 9, 4), 1, "images have 1 or 3 channels"),
        ((8, 8, 16), 1, None),
        ((7, 8, 3), 127.5, None),
        ((8, 8, 3), 1, None),
        ((8, 8), 127.5, None),
    ],
)
def test_what_may_be_images_is_said_to_be_taken_for_vectors(tmp_path, shape, divided_by, words):
    x = np.random.default_rng(0).integers(0, 256, (40, *shape)) / divided_by
    x = x - 1 if divided_by > 1 else x
    path = npz(tmp_path, x=x, y=np.arange(40) % 10)
    said = " ".join(build(data_dir=path).left_out({}))
    assert re.search(words, said) if words else not said
    assert not build(data_dir=path, images=False).left_out({})


def test_the_user_says_what_arrays_are(tmp_path, digits):
    images, labels = digits
    path = npz(tmp_path, x=images, y=labels)
    source = build(data_dir=path, images=False)
    assert (source.input_shape, source.input_format) == ((8, 8), PLAIN)
    assert networks.mlp(source.input_shape, 3, **source.network_options)
    standardised = (images - 5) / 6
    path = npz(tmp_path, x=standardised, y=labels)
    assert build(data_dir=path).input_format == PLAIN
    source = build(data_dir=path, images=True)
    np.testing.assert_array_equal(
        source.index.examples[..., 0], np.rint(images * 255 / 16).astype(np.uint8)
    )


ZEROS = np.zeros((40, 9, 9), np.uint8)


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (np.zeros((40, 3, 9, 9), np.uint8), {}, r"channels before .* Save x\.transpose\(0, 2, 3"),
        (np.zeros((40, 9, 9, 4), np.uint8), {"images": True}, r"shape \(40, 9, 9, 4\); expected i"),
        (np.zeros((40, 9)), {"images": True}, r"shape \(40, 9\); expected images, \(images, heigh"),
        (np.zeros((40, 9)), {"size": 8}, r"pipeline\.size, which is for images; .* are vectors"),
        (np.zeros((40, 9)), {"rotations": True}, r"pipeline\.rotations, which is for images"),
        (ZEROS, {"images": "yes"}, r"received pipeline\.images=yes; expected true or false"),
        (ZEROS, {"size": "big"}, r"cannot read the images with these options"),
        (ZEROS, {"channels": 2}, r"received an image format of 9x9x2; expected"),
        (ZEROS, {"resize": "stretch"}, r"received resize='stretch'; expected one of"),
        (ZEROS / 2, {"value_range": [1, 0]}, r"received array_range=\[1, 0\]; expected two numb"),
        (ZEROS + np.nan, {"images": True}, r"3,240 values of .* are missing: x\[0, 0\] in row 1"),
        (ZEROS, {"features": "a"}, r"its array x, whole\. Leave the option out"),
    ],
)
def test_images_that_will_not_do_are_refused(tmp_path, x, options, words):
    refused(words, options)(npz(tmp_path, x=x, y=np.arange(40) % 10))


def test_a_csv_holds_no_images(tmp_path):
    (tmp_path / "data.csv").write_text("a,label\n1,x\n2,y\n3,z\n")
    refused(r"images=true for .*data\.csv; expected an NPZ file", {"images": True})(tmp_path)
