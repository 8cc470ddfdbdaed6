"""Image files on a user's disk -> what a network takes: examined one by one, decoded as in serving.

Every file is read whole once. What is no image, or a damaged one, is named; nothing is dropped in
silence. Pixels come from `ImageFormat.decode`, the same in training, prediction and serving.
"""

import io
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from tfmeta.errors import UserError
from tfmeta.reading.encoded_images import (
    decode_files,
    deep_range_of,
    file_state,
    image_facts,
    images_key,
    is_deep,
    origins_of,
    read_images,
)
from tfmeta.reading.images import ImageFormat
from tfmeta.reading.origins import Origins
from tfmeta.reading.record_file import RecordFile
from tfmeta.reading.support_set import read_image
from tfmeta.user_files import open_file

_GREY_MODES = ("1", "L", "LA", "I", "I;16", "F")
_GREY_SIZE, _COLOUR_SIZE = 28, 84  # the field's: Omniglot's and miniImageNet's
_SAMPLE = 200  # files that the format is guessed from
_HEAD_BYTES = 32
_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")
_MOST_NAMES = 10  # that an error lists


@dataclass(frozen=True)
class FormatOptions:
    """What a user says of the images; None stands for "look at them".

    Args:
        size: pixels of a side, or `[height, width]`; 28 for grey and 84 for colour images.
        channels: 1 or 3; 1 if every image is grey.
        invert: whether to turn dark into bright; of grey images on a bright ground, such as ink on
            paper, so that the ground is dark as in Omniglot.
        deep_range: `[low, high]`, the values of 16-bit files that become 0 and 255; the least and
            the most that such files have.
        background, resize, as_stored: as of `ImageFormat`.
    """

    size: int | list | None = None
    channels: int | None = None
    invert: bool | None = None
    deep_range: list | tuple | None = None
    background: str = "white"
    resize: str = "squash"
    as_stored: bool = False

    def resolve(self, contents, deep_range=None) -> ImageFormat:
        """The format, where the user says nothing by looking.

        Args:
            contents: a sample of encoded images.
            deep_range: of all 16-bit files; None if there are none.
        """
        contents = list(contents)
        channels = self.channels or (1 if all(map(_is_grey, contents)) else 3)
        size = self.size or (_GREY_SIZE if channels == 1 else _COLOUR_SIZE)
        try:
            height, width = size if isinstance(size, list | tuple) else (size, size)
            image_format = ImageFormat(height, width, channels)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"received pipeline.size={self.size!r}, pipeline.channels={self.channels!r}; "
                "expected pixels or [height, width], and 1 or 3"
            ) from error
        try:
            image_format = replace(
                image_format,
                deep_range=self.deep_range or deep_range or image_format.deep_range,
                background=self.background,
                resize=self.resize,
                as_stored=self.as_stored,
            )
        except ValueError as error:
            raise UserError(f"images can't be read so: {error}") from error
        invert = self.invert
        if invert is None:
            invert = channels == 1 and _has_bright_ground(contents, image_format)
        return replace(image_format, invert=bool(invert))


def pinned_format(image_format: ImageFormat, **options) -> dict:
    """Those of `FormatOptions` that a user left open, as the images decided them."""
    found = {
        "size": [image_format.height, image_format.width],
        "channels": image_format.channels,
        "invert": image_format.invert,
        "deep_range": list(image_format.deep_range),
    }
    return {name: found[name] for name, given in options.items() if given is None}


def _is_grey(content):
    with Image.open(io.BytesIO(content)) as image:
        return image.mode in _GREY_MODES


def _has_bright_ground(contents, image_format):
    return bool(contents) and are_bright(decode_files(contents, image_format))


def are_bright(images: np.ndarray) -> bool:
    """Whether most pixels of most images `(images, ...)` are bright, as of paper under ink."""
    return bool(np.mean(np.median(images.reshape(len(images), -1), 1) > 127) > 0.5)


@dataclass(frozen=True)
class LoadedImages:
    """What `load_images` returns.

    Attributes:
        examples: uint8 `(images, height, width, channels)`, an array or a RecordFile.
        kept: `(images,)` the number of each one's file in the list.
        image_format: of the examples.
        origins: of each.
    """

    examples: np.ndarray | RecordFile
    kept: np.ndarray
    image_format: ImageFormat
    origins: Origins


def load_images(
    root: Path,
    files: list[Path],
    options: FormatOptions,
    *,
    skip_unreadable: bool = False,
    stream: bool = False,
) -> LoadedImages:
    """Reads, examines and decodes image files.

    Args:
        root: folder that their names are relative to.
        files: to be read, in this order.
        options: see `FormatOptions`.
        skip_unreadable: leave out, and report, files that are no whole images; else refuse them.
        stream: keep the pixels on disk (in `record_file.cache_folder()`, once for the same files
            and format), not in memory.

    Raises:
        UserError: if there is no image, or one can't be read and is not to be skipped.
    """
    sample = (
        [files[n] for n in np.linspace(0, len(files) - 1, _SAMPLE).astype(int)] if files else []
    )
    contents = [content for content in map(_content_or_none, dict.fromkeys(sample)) if content]
    deep_range = None
    if options.deep_range is None and not options.as_stored:
        deep_range = deep_range_of(content for content in map(_deep_content, files) if content)
    image_format = options.resolve(contents, deep_range)
    names = [printable(file.relative_to(root)) for file in files]
    key = images_key(image_format, map(file_state, files)) if stream else None
    examples, facts = read_images(files, _examine, image_format, key=key)
    origins = origins_of(names, facts)
    if origins.unreadable and not skip_unreadable:
        raise UserError(unreadable_files(origins.unreadable))
    if options.channels is None and image_format.channels == 1:
        _check_grey(origins)
    if not facts["kept"]:
        raise UserError(
            f"no image in {root} can be read; expected PNG, JPEG, GIF, BMP, WebP or TIFF files"
        )
    return LoadedImages(examples, np.array(facts["kept"]), image_format, origins)


def _check_grey(origins):
    """The format was guessed from a sample: colour is not taken from others in silence."""
    coloured = [
        n for n, m in zip(origins.names, origins.modes, strict=True) if m not in _GREY_MODES
    ]
    if coloured:
        raise UserError(
            f"{len(coloured)} of {len(origins.names)} images are in colour, such as {coloured[0]}, "
            "and the rest is grey; say which is wanted: --set pipeline.channels=1, or 3"
        )


def printable(path) -> str:
    """A path as text, with bytes that are none written as numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def unreadable_files(unreadable) -> str:
    """The refusal of files that are no whole images: `(name, problem)` of each."""
    named = "; ".join(f"{name} {problem}" for name, problem in unreadable[:_MOST_NAMES])
    more = f"; and {len(unreadable) - _MOST_NAMES} more" if unreadable[_MOST_NAMES:] else ""
    return (
        f"{len(unreadable)} files can't be read: {named}{more}. "
        "Mend or remove them, or leave them out: --skip-unreadable"
    )


def _content_or_none(path):
    try:
        return read_image(path)
    except UserError:
        return None


def _deep_content(path):
    """What may be of 16 bits a channel: a TIFF, or a PNG that says so; else None."""
    try:
        with open_file(path) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, UserError):  # which is said when the file is read
        return None
    return _content_or_none(path) if is_deep(head) or head[:4] in _TIFF_BEGINNINGS else None


def _examine(path):
    """As `read_images` asks: its content and facts, or None and what is wrong with it."""
    try:
        content = read_image(path)
    except UserError as error:
        return None, str(error).removeprefix(f"{path} ").split(";")[0]
    return content, image_facts(content)
