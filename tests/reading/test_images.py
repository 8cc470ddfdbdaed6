"""How encoded images are decoded, in the graph and eagerly."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import BLENDED, FEW, JPEG, RESIZED, assert_close, assert_same_pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from nightly import rows
from pictures import decoded, encoded, picture, pillow_rgb
from PIL import Image

from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.images import to_unit

LOSSLESS = [
    *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
    *(("BMP", mode) for mode in ("RGB", "RGBA")),
    *(("GIF", mode) for mode in ("1", "L", "P")),
]
LOSSY = [("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK")]


@pytest.mark.parametrize(("file_format", "mode"), LOSSLESS + LOSSY)
def test_decode_sees_what_pillow_sees(file_format, mode):
    data = encoded(picture(mode), file_format)
    colour, grey = decoded(data, channels=3), decoded(data)
    expected = pillow_rgb(data)
    assert colour.shape == (9, 7, 3)
    assert grey.shape == (9, 7, 1)
    levels = {"JPEG": JPEG}.get(file_format, BLENDED if mode in ("LA", "RGBA") else 0)
    assert_same_pixels(colour, expected, levels=levels)
    luma = np.asarray(Image.fromarray(colour.astype(np.uint8)).convert("L"))
    assert_same_pixels(grey[..., 0], luma, levels=BLENDED)


def test_16_bit_pixels_as_stored_keep_their_upper_byte():
    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 7), np.uint16)
    data = encoded(Image.fromarray(pixels), "PNG")
    assert (decoded(data, as_stored=True)[..., 0] == pixels >> 8).all()


def test_of_an_animation_the_first_frame_counts():
    frames = [picture("L", seed=seed).convert("P") for seed in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decoded(data, channels=3) == pillow_rgb(encoded(frames[0], "GIF"))).all()


@pytest.mark.slow
# To more sizes costs a decoder to be traced for each: to one point, in one direction, in both, to
# more and to less than there is.
@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([(1, 1), (1, 20), (17, 2), (5, 7), (13, 13), (20, 19)]),
)
def test_resizing_is_antialiased_as_pillows_is(height, width, new):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    image = Image.fromarray(pixels)
    expected = np.asarray(image.resize(new[::-1], Image.Resampling.BILINEAR))
    resized = decoded(encoded(image, "PNG"), *new)[..., 0]
    assert_same_pixels(resized, expected, levels=RESIZED)


@pytest.mark.parametrize("channels", [1, 3])
def test_invert_is_the_exact_negative(channels):
    data = encoded(picture("RGB"), "PNG")
    positive = decoded(data, 5, 6, channels=channels)
    assert (decoded(data, 5, 6, channels=channels, invert=True) == 255 - positive).all()


FORMATS = [
    ImageFormat(1, 30, 1, False),
    ImageFormat(11, 8, 3, True),
    ImageFormat(24, 24, 1, True),
    ImageFormat(9, 7, 3, False),
]


@rows("image_format", FORMATS, each_run=FORMATS[:2])
def test_eager_equals_graph_bit_for_bit(image_format):
    files = [
        encoded(picture(mode, seed=s), kind) for kind, mode in LOSSLESS + LOSSY for s in (0, 1)
    ]
    data = tf.constant(files)

    def read(batch):
        return to_unit(image_format.decode_all(batch))

    eager = np.stack([to_unit(image_format.decode(one)).numpy() for one in data])
    signature = [tf.TensorSpec([None], tf.string)]  # as when served
    graph = tf.function(read, input_signature=signature)(data).numpy()
    assert eager.dtype == np.float32
    assert eager.shape == (len(files), *image_format.shape)
    assert eager.tobytes() == graph.tobytes() == read(data).numpy().tobytes()


def test_decode_all_keeps_the_shape_of_its_batch():
    image_format = ImageFormat(4, 5, channels=3)
    files = [[encoded(picture("RGB", seed=3 * i + j), "PNG") for j in range(3)] for i in range(2)]
    images = image_format.decode_all(tf.constant(files))
    assert images.shape == (2, 3, 4, 5, 3)
    assert images.dtype == tf.uint8
    assert (images[1, 2].numpy() == decoded(files[1][2], 4, 5, channels=3)).all()
    assert image_format.decode_all(tf.constant([], tf.string)).shape == (0, 4, 5, 3)


def test_to_unit_maps_255_to_1_and_leaves_floats_alone():
    unit = to_unit(tf.constant(np.arange(256, dtype=np.uint8))).numpy()
    assert (unit[0], unit[255]) == (0, 1)
    assert_close(unit, np.arange(256) / 255, roundings=FEW)
    floats = tf.constant([-3.5, 0.1, 300.0])
    assert to_unit(floats).numpy().tobytes() == floats.numpy().tobytes()


@pytest.mark.parametrize("invert", [False, True])
def test_the_dictionary_of_a_format_makes_it_again(invert):
    image_format = ImageFormat(4, 5, channels=3, invert=invert)
    assert ImageFormat(**image_format.to_dict()) == image_format


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image",
        b"\x89PNG\r\n\x1a\n",
        encoded(picture("RGB", 40, 40), "PNG")[:300],
        encoded(picture("P"), "BMP"),
        encoded(picture("RGB"), "TIFF"),
    ],
    ids=["nothing", "text", "signature", "truncated", "palette", "another kind"],
)
def test_bytes_that_are_no_image_fail_in_the_graph(data):
    decode = tf.function(ImageFormat(4, 5).decode)
    for read in (decode, ImageFormat(4, 5).decode):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"photo|PNG"):
            read(tf.constant(data), name="photo")


@pytest.mark.parametrize("sizes", [(0, 5, 1), (5, 0, 1), (-1, 5, 3), (5, 5, 2), (5, 5, 4)])
def test_a_format_of_impossible_size_is_refused(sizes):
    height, width, channels = sizes
    received = f"received an image format of {height}x{width}x{channels}; expected positive sizes"
    with pytest.raises(ValueError, match=received):
        ImageFormat(height, width, channels)
