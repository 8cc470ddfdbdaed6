"""How a support set is read, from a folder of images or from arrays."""

import re
from pathlib import Path

import numpy as np
import pytest
from pictures import decoded, encoded, picture, pillow_rgb
from PIL import Image

from tfmeta import UserError
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.reading.row_format import PLAIN
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.reading.support_set import read_image, read_support_folder


def test_a_support_folder_is_read_in_the_order_of_its_names(png_folder):
    (png_folder / ".hidden").mkdir()
    (png_folder / "apple" / ".DS_Store").write_text("not an image")
    (png_folder / "notes.txt").write_text("beside the classes")
    (png_folder / "banana" / "2.jpg").write_bytes(encoded(picture("RGB"), "JPEG"))
    names, files, labels, places = read_support_folder(png_folder, num_classes=3)
    assert names == ["apple", "banana", "cherry"]
    assert labels.tolist() == [0, 0, 1, 1, 1, 2, 2]
    paths = [*("apple/0.png", "apple/1.png"), *(f"banana/{n}" for n in ("0.png", "1.png", "2.jpg"))]
    expected = [(png_folder / path).read_bytes() for path in [*paths, "cherry/0.png"]]
    assert files[:6] == expected
    assert [Path(place.file).read_bytes() for place in places] == files


def empty_class(folder):
    (folder / "durian").mkdir()
    return r"support folder .*durian is empty; expected at least one image"


def one_class(folder):
    for name in ("banana", "cherry"):
        (folder / name).rename(folder.parent / name)
    return r"support folder .*support has 1 class subfolder; this learner takes 2 to 5"


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


VECTORS = SourceFacts("vectors", (2,), PLAIN, None)
WAVES = SourceFacts("waves", (2,), PLAIN, 1)


def test_a_support_set_becomes_arrays(tmp_path, png_folder, tiny_source):
    names, x, labels, _ = read_support_arrays(png_folder, tiny_source.facts, num_classes=3)
    assert names == ["apple", "banana", "cherry"]
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    first = pillow_rgb((png_folder / "apple" / "0.png").read_bytes())[..., 0]
    assert (np.rint(x[0, ..., 0].numpy() * 255) == first).all()
    np.savez(tmp_path / "s.npz", x=np.ones((3, 2)), y=np.array([7, 3, 7]))
    names, x, y, _ = read_support_arrays(tmp_path / "s.npz", VECTORS, num_classes=5)
    assert (names, y.tolist(), x.dtype) == (["3", "7"], [1, 0, 1], np.float64)
    names, _, y, _ = read_support_arrays(tmp_path / "s.npz", WAVES, num_classes=5)
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
