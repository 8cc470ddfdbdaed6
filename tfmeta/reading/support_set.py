"""A user's support set: a folder with a subfolder of files for each class."""

import io
import struct
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.example_reader import Place, SupportSet
from tfmeta.reading.npz_files import DAMAGED as DAMAGED_NPZ
from tfmeta.user_files import AnyPath, is_hidden, read_file

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_SERVED = ("PNG", "JPEG", "GIF")  # formats that the graph decodes
_BITS_TAG, _GROUND_TAG, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF
# Other images that people have: their name, and what stands at which place of the file. The first
# two are kinds of a container; a telephone writes HEIC.
_OTHER_FORMATS = (
    ("HEIC", 4, tuple(b"ftyp" + kind for kind in (b"hei", b"hev", b"mif1", b"msf1"))),
    ("AVIF", 4, (b"ftypavi",)),
    ("JPEG 2000", 0, (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    ("JPEG XL", 0, (b"\0\0\0\x0cJXL ", b"\xff\x0a")),
    ("Photoshop", 0, (b"8BPS",)),
    ("PDF", 0, (b"%PDF",)),
    ("SVG", 0, (b"<svg", b"<?xml")),
)
# What Pillow and NumPy raise for a file that is cut short or otherwise damaged.
_DAMAGED = (*DAMAGED_NPZ, struct.error, IndexError)
_MOST_BYTES = 256 * 2**20  # of an image file

# Pillow warns about images of more than 89 million pixels, and refuses images twice as large.
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_image(path: AnyPath) -> bytes:
    """The content of an image file, as a request would carry it.

    PNG, JPEG and GIF files are returned unchanged. BMP files (TensorFlow misreads those with a
    palette), WebP files and TIFF files (their first picture, turned upright) become a PNG file with
    the same pixels.

    Raises:
        UserError: if the file is missing or damaged, or is no image of these formats.
    """
    return read_and_open_image(path)[0]


def read_and_open_image(path: AnyPath) -> tuple[bytes, Any]:
    """What `read_image` returns, and Pillow's image of it, loaded; None if Pillow made the content.

    Raises:
        UserError: as `read_image`.
    """
    try:
        content = read_file(path, most=_MOST_BYTES)
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.verify()  # reads a PNG to its last chunk, as `load` does not
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.load()
            if image.format in (*_SERVED, "MPO"):
                return content, image
            return _as_png(image), None
    except UserError:
        raise
    except UnidentifiedImageError:
        problem = _what_it_is(content)
    except (*_DAMAGED, *_BOMBS) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise UserError(f"{path} {problem}; expected a whole {', '.join(_FORMATS)} file")


def _what_it_is(content: bytes) -> str:
    """What is wrong with a file that is no image of these formats."""
    if not content:
        return "is empty"
    for name, where, beginnings in _OTHER_FORMATS:
        if content[where:].startswith(beginnings):
            return f"is a {name} file, which is not read: convert it to JPEG or PNG"
    return "is no image"


def _as_png(image: Any) -> bytes:
    buffer = io.BytesIO()
    _plain(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _plain(image: Any) -> Any:
    """The same picture, turned upright, in a mode that PNG has."""
    if image.format == "BMP":  # programs do not agree on the opacity of a BMP
        return image.convert("RGB")
    tags = getattr(image, "tag_v2", {})
    image = ImageOps.exif_transpose(image)
    deep = image.mode.startswith(("I", "F"))
    if deep or max(tags.get(_BITS_TAG, (8,))) > 8:
        pixels = np.asarray(image)
        fits = deep and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535
        if not fits or image.mode == "F" or tags.get(_GROUND_TAG) == _WHITE_IS_ZERO:
            raise ValueError("of more than 8 bits, only grey levels from 0 to 65535 are read")
        return Image.fromarray(pixels.astype(np.uint16))
    if image.mode in ("1", "L", "LA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def read_support_folder(
    folder: AnyPath,
    *,
    num_classes: int | None,
    read: Callable[[AnyPath], bytes] = read_image,
    noun: str = "image",
) -> SupportSet:
    """The support set of a folder: the classes are the names of the subfolders, sorted.

    Args:
        folder: the support set's folder; files whose names start with a dot are passed over.
        num_classes: the most classes that the learner can answer with; None for any number.
        read: reads a file, as a request would carry it.
        noun: what a file holds.

    Raises:
        UserError: if there is no such folder, a class is empty, a file can't be read, or there are
            more classes than the learner can answer with.
    """
    folder = Path(folder)
    if folder.is_file():
        raise UserError(f"{folder} is a file; expected a folder with a subfolder for each class")
    if not folder.is_dir():
        raise UserError(
            f"support folder {folder} is not there; expected a subfolder for each class"
        )
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not is_hidden(p))
    if len(classes) < 2 or len(classes) > (num_classes or len(classes)):
        taken = "2 or more" if num_classes is None else f"2 to {num_classes}"
        raise UserError(
            f"support folder {folder} has {counted(len(classes), 'class subfolder')}; this "
            f"learner takes {taken}"
        )
    places: list[Place] = []
    files: list[bytes] = []
    labels: list[int] = []
    for label, each in enumerate(classes):
        found = sorted(p for p in each.iterdir() if not is_hidden(p))
        if not found:
            raise UserError(f"support folder {each} is empty; expected at least one {noun}")
        files += [read(path) for path in found]
        labels += [label] * len(found)
        places += [Place(str(path), noun=noun) for path in found]
    names = [each.name for each in classes]
    return SupportSet(names, files, np.array(labels, np.int32), places)


def files_of_kind(folder: AnyPath, suffixes: Sequence[str], noun: str) -> list[Path]:
    """The files of a folder with these suffixes, sorted by name; others are passed over.

    Raises:
        UserError: if there is none.
    """
    entries = sorted(entry for entry in Path(folder).iterdir() if not is_hidden(entry))
    found = [entry for entry in entries if entry.suffix.lower() in suffixes]
    if not found:
        others = listed([entry.name for entry in entries]) or "nothing"
        raise UserError(
            f"{folder} holds no {noun} files, but {others}; expected a folder of {noun} files, "
            f"such as {' or '.join(suffixes[:2])}. Folders of classes are answered as labelled "
            "queries (--labelled)"
        )
    return found
