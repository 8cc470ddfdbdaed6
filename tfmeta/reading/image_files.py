"""Image files on a user's disk -> what a network takes.

Every file is read once and examined. Files that are no images or are damaged are named; none is
left out without a word. Pixels come from `ImageFormat.decode`, the same in training, prediction and
serving.
"""

import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.origins import Origins, unreadable_files
from tfmeta.reading.record_file import RecordFile, cache_folder
from tfmeta.reading.support_set import read_and_open_image, read_image
from tfmeta.user_files import AnyPath, open_file, printable

_GREY_MODES = ("1", "L", "LA", "I", "I;16", "F")
_GREY_SIZE, _COLOUR_SIZE = 28, 84  # as Omniglot and miniImageNet have
_SAMPLE = 200  # files from which the format is guessed
_HEAD_BYTES = 32
_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")
_MOST_IN_MEMORY, _SHARE_OF_MEMORY = 2 * 2**30, 1 / 8
_NOTE = "pixels are kept on disk, in {folder}, and not in memory: they are {size:.3g} GiB"


@dataclass(frozen=True)
class FormatOptions:
    """What a user says about the images; None means that the images decide.

    Args:
        size: pixels per side, or `[height, width]`; by default 28 for grey and 84 for colour
            images.
        channels: 1 or 3; by default 1 if every image is grey, else 3.
        invert: whether to turn dark into bright. By default grey images on a bright background,
            such as ink on paper, are inverted, so that the background is dark as in Omniglot.
        deep_range: `[low, high]`, the values of 16-bit files that become 0 and 255; by default the
            smallest and the largest value in these files.
        background, resize, as_stored: see `ImageFormat`.
    """

    size: int | list[Any] | None = None
    channels: int | None = None
    invert: bool | None = None
    deep_range: list[Any] | tuple[Any, ...] | None = None
    background: str = "white"
    resize: str = "squash"
    as_stored: bool = False

    def resolve(self, contents: Sequence[bytes], deep_range: Any = None) -> ImageFormat:
        """The format; the images decide what the user left open.

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
        low_and_high: Any = self.deep_range  # of any length; ImageFormat checks it
        try:
            image_format = replace(
                image_format,
                deep_range=low_and_high or deep_range or image_format.deep_range,
                background=self.background,
                resize=self.resize,
                as_stored=self.as_stored,
            )
        except ValueError as error:
            raise UserError(f"images can't be read with these options: {error}") from error
        invert = self.invert
        if invert is None:
            invert = channels == 1 and _has_bright_ground(contents, image_format)
        return replace(image_format, invert=bool(invert))


def pinned_format(image_format: ImageFormat, **options: Any) -> dict[str, Any]:
    """The `FormatOptions` that a user left open, as the images decided them."""
    found = {
        "size": [image_format.height, image_format.width],
        "channels": image_format.channels,
        "invert": image_format.invert,
        "deep_range": list(image_format.deep_range),
    }
    return {name: found[name] for name, given in options.items() if given is None}


def _is_grey(content: Any) -> bool:
    with Image.open(io.BytesIO(content)) as image:
        return image.mode in _GREY_MODES


def _has_bright_ground(contents: Sequence[bytes], image_format: ImageFormat) -> bool:
    return bool(contents) and are_bright(decode_files(contents, image_format))


def are_bright(images: np.ndarray) -> bool:
    """Whether most pixels of most images `(images, ...)` are bright, as those of paper are."""
    return bool(np.mean(np.median(images.reshape(len(images), -1), 1) > 127) > 0.5)


@dataclass(frozen=True)
class LoadedImages:
    """What `load_images` returns.

    Attributes:
        examples: uint8 `(images, height, width, channels)`, an array or a RecordFile.
        kept: `(images,)`, the number of each image's file in the list of files.
        image_format: of the examples.
        origins: where the images came from.
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
    stream: bool | None = False,
) -> LoadedImages:
    """Reads, examines and decodes image files.

    Args:
        root: the folder that the names of files are relative to.
        files: the files to read, in this order.
        options: see `FormatOptions`.
        skip_unreadable: whether to leave out and report files that are no whole images; they are
            refused otherwise.
        stream: whether to keep the pixels on disk and not in memory. They are in
            `record_file.cache_folder()`, once for the same files and format. None keeps them on
            disk, and notes it in the origins, if they would take more than `most_in_memory()`.

    Raises:
        UserError: if there is no image, or one can't be read and unreadable files are not left out.
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
    num_bytes = len(files) * math.prod(image_format.shape)
    is_too_much = stream is None and num_bytes > most_in_memory()
    on_disk = stream or is_too_much
    key = images_key(image_format, map(file_state, files)) if on_disk else None
    examples, facts = read_images(files, _examine, image_format, key=key)
    notes = (_NOTE.format(size=num_bytes / 2**30, folder=cache_folder()),) if is_too_much else ()
    origins = origins_of(names, facts, notes=notes)
    if origins.unreadable and not skip_unreadable:
        raise UserError(unreadable_files(origins.unreadable))
    if options.channels is None and image_format.channels == 1:
        _check_grey(origins)
    if not facts["kept"]:
        raise UserError(
            f"no image in {root} can be read; expected PNG, JPEG, GIF, BMP, WebP or TIFF files"
        )
    return LoadedImages(examples, np.array(facts["kept"]), image_format, origins)


def most_in_memory() -> float:
    """Bytes of pixels that are kept in memory, unless the user says otherwise."""
    try:
        of_machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on Windows, say
        return _MOST_IN_MEMORY
    return min(_MOST_IN_MEMORY, _SHARE_OF_MEMORY * of_machine)


def _check_grey(origins: Any) -> None:
    """Refuses colour images if the format was guessed from grey ones; they would become grey."""
    coloured = [
        n for n, m in zip(origins.names, origins.modes, strict=True) if m not in _GREY_MODES
    ]
    if coloured:
        raise UserError(
            f"{len(coloured)} of {len(origins.names)} images are in colour, such as {coloured[0]}, "
            "and the rest is grey; say which is wanted: --set pipeline.channels=1, or 3"
        )


def _content_or_none(path: AnyPath) -> Any:
    try:
        return read_image(path)
    except UserError:
        return None


def _deep_content(path: AnyPath) -> Any:
    """The content of a file that may have 16 bits per channel, a TIFF or such a PNG; else None."""
    try:
        with open_file(path) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, UserError):  # the reading of the file reports it
        return None
    return _content_or_none(path) if is_deep(head) or head[:4] in _TIFF_BEGINNINGS else None


def _examine(path: AnyPath) -> Any:
    """The `examine` of `read_images`: `(content, facts)`, or `(None, problem)`."""
    try:
        content, opened = read_and_open_image(path)
    except UserError as error:
        return None, str(error).removeprefix(f"{path} ").split(";")[0]
    return content, image_facts(content, opened)
