"""Files that are read in a shorter way have the pixels and facts of the longer one."""

import io

import numpy as np
import pytest
from PIL import Image

from tfmeta.reading.decoding import plain_png
from tfmeta.reading.encoded_images import decode_files, image_facts
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.support_set import read_and_open_image

SIDE = 12


def encoded(kind="PNG", mode="RGB", *, side=SIDE, **options):
    pixels = np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def deep():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(SIDE**2, dtype=np.uint16).reshape(SIDE, SIDE)).save(buffer, "PNG")
    return buffer.getvalue()


PLAIN = {
    "colour": encoded(),
    "of another size": encoded(side=31),
    "grey": encoded(mode="L"),
    "black or white": encoded(mode="1"),
    "palette": encoded(mode="P"),
    "with a profile": encoded(icc_profile=b"any bytes"),
}
OTHERS = {
    "with opacity": encoded(mode="RGBA"),
    "grey with opacity": encoded(mode="LA"),
    "palette with a transparent colour": encoded(mode="P", transparency=3),
    "of 16 bits": deep(),
    "turned": encoded(exif=turned()),
    "of many texts": encoded()[:33] + 21 * b"\0\0\0\x01zTXt " + encoded()[33:],
    "JPEG": encoded("JPEG"),
    "turned JPEG": encoded("JPEG", exif=turned()),
    "GIF": encoded("GIF"),
    "no image": b"no image",
    "cut short in its head": encoded()[:24],
}
WHOLE = {**PLAIN, **{n: c for n, c in OTHERS.items() if "many" not in n}}
del WHOLE["no image"], WHOLE["cut short in its head"]


@pytest.mark.parametrize("name", PLAIN)
def test_plain(name):
    assert plain_png.is_plain(PLAIN[name])


@pytest.mark.parametrize("name", [name for name in OTHERS if "cut" not in name])
def test_not_plain(name):
    assert not plain_png.is_plain(OTHERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("size", [(SIDE, SIDE, 3), (7, 9, 1)])
def test_the_pixels_are_those_of_the_graph_that_reads_any_image(size, monkeypatch):
    image_format = ImageFormat(*size)
    files = [*WHOLE.values(), *reversed(WHOLE.values())]
    seen = decode_files(files, image_format)
    monkeypatch.setattr(plain_png, "is_plain", lambda content: False)
    np.testing.assert_array_equal(seen, decode_files(files, image_format))


def test_the_pixels_are_those_of_pillow():
    with Image.open(io.BytesIO(PLAIN["colour"])) as image:
        expected = np.asarray(image)
    (seen,) = decode_files([PLAIN["colour"]], ImageFormat(SIDE, SIDE, 3))
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("name", WHOLE)
def test_the_facts_of_an_image_that_is_open_are_those_of_its_file(name, tmp_path):
    (tmp_path / "file").write_bytes(WHOLE[name])
    content, opened = read_and_open_image(tmp_path / "file")
    assert content == WHOLE[name]
    assert image_facts(content, opened) == image_facts(content)
