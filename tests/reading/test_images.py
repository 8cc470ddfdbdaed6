"""How images are read: in the graph for networks, and from a folder for support sets."""

import io
import re

import numpy as np
import pytest
import tensorflow as tf
from closeness import BLENDED, FEW, JPEG, RESIZED, assert_close, assert_same_pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tfmeta import UserError
from tfmeta.episodes.episode_source import SourceFacts
from tfmeta.reading.images import ImageFormat, to_unit
from tfmeta.reading.support_set import read_image, read_support_arrays, read_support_folder

LOSSLESS = [
    *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
    *(("BMP", mode) for mode in ("RGB", "RGBA")),
    *(("GIF", mode) for mode in ("1", "L", "P")),
]
LOSSY = [("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK")]


def picture(mode, height=9, width=7, seed=0):
    """A picture with coarse colours of every kind, in one of Pillow's modes."""
    corners = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)
    if mode in ("LA", "RGBA"):
        image.putalpha(image.convert("L"))  # half transparent, in many steps
    return image.convert(mode)


def encoded(image, file_format, **options):
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def pillow_rgb(data):
    """What Pillow makes of it on white: int `(height, width, 3)`."""
    with Image.open(io.BytesIO(data)) as image:
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        shown = Image.alpha_composite(ground, image.convert("RGBA"))
        return np.asarray(shown.convert("RGB")).astype(int)


def decoded(data, height=9, width=7, **options):
    return ImageFormat(height, width, **options).decode(tf.constant(data)).numpy().astype(int)


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


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 20), st.integers(1, 20))
def test_resizing_is_antialiased_as_pillows_is(height, width, new_height, new_width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    image = Image.fromarray(pixels)
    expected = np.asarray(image.resize((new_width, new_height), Image.Resampling.BILINEAR))
    resized = decoded(encoded(image, "PNG"), new_height, new_width)[..., 0]
    assert_same_pixels(resized, expected, levels=RESIZED)


@pytest.mark.parametrize("channels", [1, 3])
def test_invert_is_the_exact_negative(channels):
    data = encoded(picture("RGB"), "PNG")
    positive = decoded(data, 5, 6, channels=channels)
    assert (decoded(data, 5, 6, channels=channels, invert=True) == 255 - positive).all()


@settings(max_examples=20)
@given(
    st.sampled_from(LOSSLESS + LOSSY),
    st.builds(
        ImageFormat, st.integers(1, 30), st.integers(1, 30), st.sampled_from((1, 3)), st.booleans()
    ),
)
def test_eager_equals_graph_bit_for_bit(kind, image_format):
    data = tf.constant([encoded(picture(kind[1], seed=seed), kind[0]) for seed in range(3)])

    def read(batch):
        return to_unit(image_format.decode_all(batch))

    eager = np.stack([to_unit(image_format.decode(one)).numpy() for one in data])
    signature = [tf.TensorSpec([None], tf.string)]  # as when served
    graph = tf.function(read, input_signature=signature)(data).numpy()
    assert eager.dtype == np.float32
    assert eager.shape == (3, *image_format.shape)
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


def test_a_support_folder_is_read_in_the_order_of_its_names(png_folder):
    (png_folder / ".hidden").mkdir()
    (png_folder / "apple" / ".DS_Store").write_text("not an image")
    (png_folder / "notes.txt").write_text("beside the classes")
    (png_folder / "banana" / "2.jpg").write_bytes(encoded(picture("RGB"), "JPEG"))
    names, files, labels = read_support_folder(png_folder, num_classes=3)
    assert names == ["apple", "banana", "cherry"]
    assert labels == [0, 0, 1, 1, 1, 2, 2]
    paths = [*("apple/0.png", "apple/1.png"), *(f"banana/{n}" for n in ("0.png", "1.png", "2.jpg"))]
    expected = [(png_folder / path).read_bytes() for path in [*paths, "cherry/0.png"]]
    assert files[:6] == expected


def empty_class(folder):
    (folder / "durian").mkdir()
    return r"support folder .*durian is empty; expected at least one image"


def one_class(folder):
    for name in ("banana", "cherry"):
        (folder / name).rename(folder.parent / name)
    return r"support folder .*support has 1 class subfolders; this learner takes 2 to 5"


def too_many_classes(folder):
    for number in range(3):
        (folder / f"more{number}").mkdir()
    return r"support folder .*support has 6 class subfolders; this learner takes 2 to 5"


def no_folder(folder):
    folder.rename(folder.parent / "elsewhere")
    return r"support folder .*support is not there; expected a subfolder for each class"


def text_named_png(folder):
    (folder / "banana" / "1.png").write_text("a text file")
    return r"banana.1\.png is no image; expected a whole PNG, JPEG, GIF, BMP, WEBP, TIFF file"


def truncated_png(folder):
    data = encoded(Image.effect_noise((60, 60), 80), "PNG")
    (folder / "banana" / "1.png").write_bytes(data[: len(data) // 2])
    return r"banana.1\.png cannot be read \(.*[Tt]runcated.*\); expected a whole PNG"


def folder_named_png(folder):
    (folder / "banana" / "2.png").mkdir()
    return r"banana.2\.png is a folder; expected a regular file"


def another_format(folder):
    (folder / "banana" / "1.png").write_bytes(encoded(picture("RGB"), "PPM"))
    return r"banana.1\.png is no image; expected a whole PNG, JPEG, GIF, BMP, WEBP, TIFF file"


def decompression_bomb(folder):
    data = bytearray(encoded(Image.new("L", (9, 9)), "BMP"))
    data[18:26] = (2**20).to_bytes(4, "little") * 2  # claims 2**40 pixels
    (folder / "banana" / "1.bmp").write_bytes(data)
    return r"banana.1\.bmp .*; expected a whole PNG"


@pytest.mark.parametrize(
    "spoil",
    [
        *(empty_class, one_class, too_many_classes, no_folder, text_named_png, truncated_png),
        *(folder_named_png, another_format, decompression_bomb),
    ],
)
def test_a_support_folder_that_cannot_be_used_is_refused(png_folder, spoil):
    message = spoil(png_folder)
    with pytest.raises(UserError, match=message):
        read_support_folder(png_folder, num_classes=5)


def test_a_missing_image_is_refused(tmp_path):
    path = tmp_path / "none.png"
    message = f"{re.escape(str(path))} cannot be read .*No such file"
    with pytest.raises(UserError, match=message):
        read_image(path)


@pytest.mark.parametrize(
    ("file_format", "mode", "cut"),
    [("BMP", "1", 0), ("BMP", "P", 0), ("PNG", "RGB", 8), ("PNG", "RGB", 14), ("BMP", "RGB", 1)],
)
def test_what_read_image_lets_through_the_graph_can_decode(tmp_path, file_format, mode, cut):
    data = encoded(picture(mode), file_format)
    path = tmp_path / "image"
    path.write_bytes(data[: len(data) - cut])
    try:
        accepted = read_image(path)
    except UserError:
        return  # refused by name, as the test above wants it
    assert (decoded(accepted, channels=3) == pillow_rgb(data)).all()


VECTORS = SourceFacts("vectors", (2,), None, None)
WAVES = SourceFacts("waves", (2,), None, 1)


def test_a_support_set_becomes_arrays(tmp_path, png_folder, tiny_source):
    names, x, labels = read_support_arrays(png_folder, tiny_source.facts, num_classes=3)
    assert names == ["apple", "banana", "cherry"]
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    first = pillow_rgb((png_folder / "apple" / "0.png").read_bytes())[..., 0]
    assert (np.rint(x[0, ..., 0].numpy() * 255) == first).all()
    np.savez(tmp_path / "s.npz", x=np.ones((3, 2)), y=np.array([7, 3, 7]))
    names, x, y = read_support_arrays(tmp_path / "s.npz", VECTORS, num_classes=5)
    assert (names, y.tolist(), x.dtype) == (["3", "7"], [1, 0, 1], np.float64)
    names, _, y = read_support_arrays(tmp_path / "s.npz", WAVES, num_classes=5)
    assert (names, y.tolist(), y.dtype) == (None, [[7], [3], [7]], np.float32)


@pytest.mark.parametrize(
    ("facts", "arrays"),
    [
        (VECTORS, {"x": np.ones((3, 2))}),
        (VECTORS, {"x": np.ones((3, 4)), "y": np.ones(3)}),
        (VECTORS, {"x": np.ones((3, 2)), "y": np.ones(4)}),
        (VECTORS, {"x": np.ones((0, 2)), "y": np.ones(0)}),
        (VECTORS, {"x": np.ones((1, 2)), "y": np.array(1)}),
        (WAVES, {"x": np.ones((3, 2)), "y": np.ones((3, 2))}),
        (VECTORS, b"PK\3\4 no archive"),
        (VECTORS, b"text"),
        (VECTORS, b""),
    ],
)
def test_arrays_that_are_no_support_set_are_refused(tmp_path, facts, arrays):
    path = tmp_path / "s.npz"
    if isinstance(arrays, bytes):
        path.write_bytes(arrays)
    else:
        np.savez(path, **arrays)
    with pytest.raises(UserError, match=f"{re.escape(str(path))}.*expected"):
        read_support_arrays(path, facts, num_classes=5)
