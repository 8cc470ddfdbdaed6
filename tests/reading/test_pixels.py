"""What the network sees of a file is what a person sees, in training, prediction and serving."""

import io
import itertools

import numpy as np
import pytest
import tensorflow as tf
from closeness import BLENDED, RESHAPED, assert_same_pixels
from nightly import rows
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from seen_pixels import encoded, everywhere, shown

from tfmeta.errors import UserError
from tfmeta.pipelines import build
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.support_set import read_image

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 12, 20
ORIENTATION = 0x0112  # EXIF's tag


def pixels(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


def decoded(content, height=HEIGHT, width=WIDTH, **options):
    image_format = ImageFormat(height, width, 3, **options)
    return image_format.decode(tf.constant(content)).numpy()


def transparent(mode, kind, **options):
    """A file of random colours and opacities in that mode of Pillow's."""
    image = Image.fromarray(pixels(HEIGHT, WIDTH, 4))
    colours = image.convert("RGB")
    return encoded(colours.convert("P") if mode == "P" else image.convert(mode), kind, **options)


@pytest.mark.fault(
    "files with transparent pixels, black ink on nothing among them",
    "they are put on white (or black), the same in training, prediction and serving",
)
@pytest.mark.parametrize("background", ["white", "black"])
def test_opacity_is_on_the_background_everywhere(tmp_path, background):
    ink = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    ink[4:8, 5:15, 3] = 255  # black on nothing
    contents = [
        encoded(Image.fromarray(ink), "PNG"),
        encoded(Image.fromarray(ink).convert("LA"), "PNG"),
        transparent("RGBA", "PNG"),
        transparent("LA", "PNG"),
        transparent("P", "PNG", transparency=3),
        transparent("P", "PNG", transparency=bytes(range(256))),
        transparent("P", "GIF", transparency=7),
        transparent("L", "PNG", transparency=100),
    ]
    image_format = ImageFormat(HEIGHT, WIDTH, 3, background=background)
    seen = everywhere(tmp_path, contents, image_format).astype(int)
    expected = np.stack([shown(each, {"white": 255, "black": 0}[background]) for each in contents])
    plain = [0, 1, 4, 6, 7]  # opaque or not at all
    assert_same_pixels(seen[plain], expected[plain])
    assert_same_pixels(seen, expected, levels=BLENDED)
    assert (seen[0].max() > 0) == (background == "white")


@pytest.mark.fault(
    "photographs that a camera stored on their side",
    "EXIF's orientation is applied in training, prediction and serving",
)
def test_orientation_is_applied_everywhere(tmp_path):
    blocks = Image.fromarray(pixels(3, 5, 3))
    contents = []
    for orientation in range(10):
        for endian in "<>":
            exif = Image.Exif()
            exif.endian = endian
            exif[0x010F] = "a maker of cameras"
            if orientation:
                exif[ORIENTATION] = orientation
            contents.append(encoded(blocks, "PNG", exif=exif))
            big = blocks.resize((80, 48), Image.Resampling.NEAREST)
            contents.append(encoded(big, "JPEG", exif=exif, quality=95, subsampling=0))
    seen = everywhere(tmp_path, contents, ImageFormat(15, 15, 3), "jpg").astype(int)
    for content, image in zip(contents, seen, strict=True):
        expected = Image.fromarray(shown(content)).resize((15, 15), Image.Resampling.BOX)
        # Blocks of colour, turned wrongly, differ by far more than two decoders do.
        middle = abs(image - np.asarray(expected).astype(int))[1::3, 1::3]
        assert middle.mean() < 25


@pytest.mark.fault(
    "16-bit files that use a part of the range, 0 to 4095 or 0 to 255",
    "the data set's own range becomes 0 to 255, kept in the run and the export",
)
@rows("low, high", [(0, 4095), (0, 255), (1000, 3000)], each_run=[(1000, 3000)])
def test_16_bits_are_brought_down_by_the_range_of_the_data(tmp_path, low, high):
    deep = RNG.integers(low, high + 1, (6, HEIGHT, WIDTH), np.uint16)
    deep[0, 0, :2] = low, high
    contents = [encoded(Image.fromarray(each), "PNG") for each in deep]
    colour = np.repeat(deep[:1, ..., np.newaxis], 3, -1)[0]
    contents.append(tf.io.encode_png(colour).numpy())  # of which Pillow reads the upper byte alone
    image_format = ImageFormat(HEIGHT, WIDTH, 3, deep_range=(low, high))
    expected = np.rint((deep.astype(float) - low) * 255 / (high - low))
    seen = everywhere(tmp_path, contents, image_format).astype(int)
    assert_same_pixels(seen[:6], expected[..., np.newaxis])
    assert_same_pixels(seen[6], expected[0, ..., np.newaxis])
    source = build("image-folder", data_dir=str(tmp_path), options={"size": 8})
    assert source.input_format.deep_range == (low, high)
    assert source.pinned_options["deep_range"] == [low, high]
    assert len(set(source.index.origins.digests)) == 6  # the last shows what the first does
    assert np.ptp(source.index.examples) > 100


def test_files_of_8_bits_keep_their_pixels_to_the_bit():
    sizes = itertools.cycle([(17, 31), (9, 9), (40, 50)])
    for kind, mode in itertools.product(("PNG", "GIF"), ("1", "L", "P", "RGB")):
        content = encoded(Image.fromarray(pixels(17, 31, 3)).convert(mode), kind)
        size = next(sizes)
        assert np.array_equal(decoded(content, *size), decoded(content, *size, as_stored=True))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_colours_have_their_opacity(bits):
    image = Image.new("P", (WIDTH, HEIGHT))
    image.putpalette(pixels(3 << bits).tolist())
    image.putdata(RNG.integers(0, 1 << bits, WIDTH * HEIGHT).tolist())
    note = PngInfo()
    note.add_text("note", "the letters tRNS and eXIf stand here, and mean nothing")
    for options in ({}, {"transparency": 1}, {"transparency": pixels(1 << bits).tobytes()}):
        content = encoded(image, "PNG", bits=bits, pnginfo=note, **options)
        assert_same_pixels(decoded(content), shown(content), levels=BLENDED)


def test_a_frame_that_is_smaller_than_its_gif_lies_on_the_background():
    content = encoded(image := Image.fromarray(pixels(5, 4)), "GIF")
    frame = content.index(b"\x2c\0\0\0\0\x04\0\x05\0")
    place = b"\x03\0\x02\0"  # from the left, from the top
    canvas = b"\x09\0\x08\0"  # width and height
    content = content[:6] + canvas + content[10 : frame + 1] + place + content[frame + 5 :]
    expected = np.full((8, 9), 255)
    expected[2:7, 3:7] = np.asarray(image)
    assert np.array_equal(decoded(content, 8, 9), np.stack([expected] * 3, -1))


def damaged_exif():
    """Orientations that can't be: offsets and lengths beyond the file, of no number of entries."""
    for spoilt in (b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"II*\0", b"", b"XX"):
        head = b"\xff\xd8\xff\xe1" + (2 + 6 + len(spoilt)).to_bytes(2, "big") + b"Exif\0\0"
        yield head + spoilt + encoded(Image.new("RGB", (WIDTH, HEIGHT)), "JPEG")[2:]


@pytest.mark.parametrize("content", list(damaged_exif()))
def test_an_orientation_that_is_none_changes_nothing(content):
    assert decoded(content).shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(decoded(content), decoded(content, as_stored=True))


@pytest.mark.fault(
    "WebP and TIFF files",
    "training and predict read them as Pillow does; a server says what it takes",
)
@pytest.mark.parametrize(
    ("kind", "mode"),
    [*itertools.product(["WEBP", "TIFF"], ["RGBA", "RGB", "L"]), ("TIFF", "I;16")],
)
def test_webp_and_tiff_become_png_of_the_same_pixels(tmp_path, kind, mode):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.fromarray(pixels(HEIGHT, WIDTH, 4)).convert(mode.replace("I;16", "L"))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    lossless = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    path = tmp_path / "image"
    path.write_bytes(content := encoded(image, kind, exif=exif, **lossless))
    seen = decoded(read_image(path), WIDTH, HEIGHT).astype(int)
    if mode == "I;16":
        expected = np.rot90(np.asarray(image).astype(int) // 257, -1)[..., np.newaxis]
    else:
        expected = shown(content)
    assert_same_pixels(seen, expected, levels=BLENDED if mode == "RGBA" else 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="convert WebP, TIFF"):
        decoded(content)


def test_a_tiff_that_would_lose_its_digits_is_refused(tmp_path):
    path = tmp_path / "image.tiff"
    Image.fromarray(RNG.normal(size=(HEIGHT, WIDTH)).astype(np.float32)).save(path)
    with pytest.raises(UserError, match="only grey levels from 0 to 65535 are read"):
        read_image(path)


@pytest.mark.fault(
    "pictures that are not square, for a square network",
    "squashed, cropped or padded as the pipeline's option says, the same when served",
)
# Everything else that is resized is squashed.
@rows("resize", ["squash", "crop", "pad"], each_run=["crop", "pad"])
def test_how_shapes_are_changed_is_an_option(tmp_path, resize):
    pattern = Image.fromarray(pixels(4, 4, 3))
    images = [pattern.resize(size, Image.Resampling.BICUBIC) for size in ((100, 40), (40, 100))]
    images.append(images[0].resize((60, 60)))
    contents = [encoded(image, "PNG") for image in images]
    seen = everywhere(tmp_path, contents, ImageFormat(20, 20, 3, resize=resize))
    expected = np.stack([np.asarray(_by_pillow(image, resize)) for image in images])
    assert_same_pixels(seen, expected, levels=RESHAPED)


def _by_pillow(image, resize):
    return {
        "squash": image.resize((20, 20), Image.Resampling.BILINEAR),
        "crop": ImageOps.fit(image, (20, 20), Image.Resampling.BILINEAR),
        "pad": ImageOps.pad(image, (20, 20), Image.Resampling.BILINEAR, color="white"),
    }[resize]


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_no_shape_is_too_narrow_to_be_changed(resize):
    for size in ((1, 400), (400, 1)):
        content = encoded(Image.fromarray(pixels(*size)), "PNG")
        assert decoded(content, 7, 5, resize=resize).shape == (7, 5, 3)


def test_the_format_of_before_reads_files_as_stored():
    before = {"height": 12, "width": 20, "channels": 3, "invert": False}
    old = ImageFormat.from_dict(before)
    assert old == ImageFormat(12, 20, 3, as_stored=True)
    now = ImageFormat(12, 20, 3, resize="pad", background="black", deep_range=(3, 9))
    assert ImageFormat.from_dict(now.to_dict()) == now
    content = transparent("RGBA", "PNG")
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(old.decode(tf.constant(content)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"background": "green"}, "background='green'; expected one of 'white', 'black'"),
        ({"resize": "stretch"}, "resize='stretch'; expected one of 'squash', 'crop', 'pad'"),
        ({"deep_range": [5, 5]}, r"deep_range=\[5, 5\]; expected two whole numbers"),
        ({"deep_range": 5}, "deep_range=5; expected two whole numbers"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, message):
    (tmp_path / "a").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "a" / "0.png")
    with pytest.raises(UserError, match=message):
        build("image-folder", data_dir=str(tmp_path), options=options)
