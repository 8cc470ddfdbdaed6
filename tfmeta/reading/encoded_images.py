"""Encoded images from any place -> pixels, and facts about each image, in memory or on disk.

Only some of them are held encoded at a time. Pixels come from `ImageFormat.decode`, the same in
training, prediction and serving.
"""

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfmeta import files
from tfmeta.reading import images
from tfmeta.reading.decoding import plain_png
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.npz_files import DAMAGED
from tfmeta.reading.origins import Origins
from tfmeta.reading.record_file import CACHE_HINT, RecordFile, cache_folder, write_records

_PNG_BEGINNING, _PNG_DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24
_CHUNK = 64  # images in memory at a time


def read_images(
    items: Iterable[Any],
    examine: Callable[[Any], tuple[bytes | None, Any]],
    image_format: ImageFormat,
    *,
    key: str | None = None,
) -> tuple[np.ndarray | RecordFile, dict[str, Any]]:
    """Examines and decodes images.

    Args:
        items: iterable; each item stands for one image, and is what `examine` takes.
        examine: a function of an item, called in threads. It returns `(content, facts)`, the
            image's bytes and its `image_facts` (there may be more facts, as JSON can hold them); or
            `(None, problem)` for an image that can't be read.
        image_format: of the examples.
        key: a name for exactly these images in this format. The pixels are then kept on disk, in
            `record_file.cache_folder()`, and the next time `items` are not read at all. None keeps
            the pixels in memory.

    Returns:
        `(examples, facts)`: examples are uint8 `(images, height, width, channels)`, an array or a
        RecordFile; facts are a dictionary with a list of values, one per image, for each name. The
        fact "kept" is each image's number among the items, and "unreadable" lists `[number,
        problem]` of the other items.
    """
    reading = _Reading(items, examine, image_format)
    if key is None:
        batches = list(reading.batches())
        examples = np.concatenate([np.zeros((0, *image_format.shape), np.uint8), *batches])
        return examples, json.loads(json.dumps(reading.facts()))
    folder = cache_folder() / key
    kept = _kept(folder)
    if kept is None:
        files.check_writable(folder.parent, CACHE_HINT)
        with files.locked(folder, wait=math.inf):  # another process may be storing the same images
            kept = _kept(folder)
            if kept is None:
                kept = write_records(folder, reading.batches(), reading.facts)
    return kept, kept.facts


def _kept(folder: Path) -> RecordFile | None:
    try:
        return RecordFile(folder)
    except DAMAGED:  # there is none yet, or it is not whole
        return None


def image_facts(content: bytes, opened: Any = None) -> dict[str, Any]:
    """Size, mode and digest of an image, turned upright, before it is resized.

    Args:
        content: of a file.
        opened: Pillow's image of it, if there is one already, so that it is not decoded again. Only
            that of a PNG or JPEG file is used: in other files the mode changes with the decoding.
    """
    is_used = opened is not None and opened.format in ("PNG", "JPEG")
    with nullcontext(opened) if is_used else Image.open(io.BytesIO(content)) as image:
        mode, upright = image.mode, ImageOps.exif_transpose(image)
        # The same picture in another file format gets the same digest. Pixels of 16 bits are read
        # by TensorFlow, because Pillow would cut them off at 255 or take their upper eight bits.
        pixels = deep_pixels(content) if is_deep(content) else upright.convert("RGBA")
        digest = hashlib.blake2b(f"{upright.size}".encode() + pixels.tobytes(), digest_size=16)
        size = (upright.height, upright.width)
        return {"sizes": size, "modes": mode, "digests": digest.hexdigest()}


def is_deep(content: bytes) -> bool:
    """Whether it is a PNG with 16 bits per channel; its first 32 bytes say so."""
    return (
        content.startswith(_PNG_BEGINNING) and content[_PNG_DEPTH_AT : _PNG_DEPTH_AT + 1] == b"\x10"
    )


def deep_pixels(content: bytes) -> np.ndarray:
    """Uint16 pixels `(height, width, 4)` of a PNG; empty if TensorFlow can't decode it."""
    try:
        return tf.io.decode_png(content, channels=4, dtype=tf.uint16).numpy()
    except tf.errors.InvalidArgumentError:
        return np.zeros((0, 0, 4), np.uint16)


def deep_range_of(contents: Iterable[bytes]) -> tuple[int, int] | None:
    """The smallest and the largest visible value in images of 16 bits; None if there are none.

    Args:
        contents: iterable of the images' bytes.
    """
    lows, highs = [], []
    for content in contents:
        if is_deep(content) and (pixels := deep_pixels(content)).size:
            visible = pixels[pixels[..., 3] > 0][:, :3]
            lows.append(int(visible.min(initial=65535)))
            highs.append(int(visible.max(initial=0)))
    if not lows:
        return None
    return min(lows), max(max(highs), min(lows) + 1)


def origins_of(names: Sequence[str], facts: dict[str, Any], **others: Any) -> Origins:
    """The origins of images that were read.

    Args:
        names: the name of every item.
        facts: what `read_images` returned.
        others: further fields of `Origins`.
    """
    return Origins(
        names=tuple(names[number] for number in facts["kept"]),
        sizes=np.array(facts["sizes"]).reshape(-1, 2),
        modes=tuple(facts["modes"]),
        digests=tuple(bytes.fromhex(each) for each in facts["digests"]),
        unreadable=tuple((names[number], problem) for number, problem in facts["unreadable"]),
        **others,
    )


def images_key(image_format: ImageFormat, parts: Any) -> str:
    """A key for `read_images`.

    Args:
        image_format: of the decoded images.
        parts: texts that say which images they are, and when they were last changed.
    """
    digest = hashlib.sha256(json.dumps(image_format.to_dict()).encode())
    for part in parts:
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()[:32]


def file_state(path: Path) -> str:
    """A text that changes when a file does, for `images_key`."""
    state = path.stat()
    return f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"


def decode_files(contents: Sequence[bytes], image_format: ImageFormat) -> np.ndarray:
    """The pixels of a list of encoded images, uint8 `(images, height, width, channels)`."""
    # One decoder serves both, inverted or not.
    plain = replace(image_format, invert=False)
    kinds = np.array([_kind(each, plain) for each in contents], object)
    pixels = np.empty((len(contents), *image_format.shape), np.uint8)
    for kind in dict.fromkeys(kinds):
        numbers = np.flatnonzero(kinds == kind).tolist()
        chosen = [contents[number] for number in numbers]
        pixels[numbers] = _decoder(plain, kind)(tf.constant(chosen, tf.string)).numpy()
    return images.of_its_size(image_format, pixels)


def _kind(content: bytes, image_format: ImageFormat) -> str:
    """How an image is decoded; each way gives the same pixels."""
    if image_format.as_stored or not plain_png.is_plain(content):
        return "any"
    size = plain_png.sides_of(image_format.height, image_format.width)
    is_of_its_size = image_format.channels == 3 and plain_png.sides(content) == size
    return "plain of its size" if is_of_its_size else "plain"


@cache
def _decoder(image_format: ImageFormat, kind: str) -> Any:
    """Traced once per format and kind, because that takes seconds."""
    decode = image_format.decode_all
    if kind != "any":
        is_of_its_size = kind == "plain of its size"
        decode = partial(images.decode_plain, image_format, is_of_its_size=is_of_its_size)
    return tf.function(
        decode,
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


class _Reading:
    """One pass over the items."""

    def __init__(
        self,
        items: Iterable[Any],
        examine: Callable[[Any], tuple[bytes | None, Any]],
        image_format: ImageFormat,
    ):
        self._items, self._examine, self._format = items, examine, image_format
        names = ("kept", "unreadable", "sizes", "modes", "digests")
        self._facts: dict[str, list[Any]] = {name: [] for name in names}

    def facts(self) -> dict[str, Any]:
        return self._facts

    def batches(self) -> Iterator[Any]:
        """Yields uint8 arrays `(images, height, width, channels)`, one for each chunk of items."""
        items, start = iter(self._items), 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            while chunk := list(islice(items, _CHUNK)):
                examined = list(pool.map(self._examine, chunk))
                try:
                    pixels = self._pixels([each[0] for each in examined if each[0]])
                except tf.errors.InvalidArgumentError:  # Pillow can read it, TensorFlow can't
                    examined = [self._undecodable(each) for each in examined]
                    pixels = self._pixels([each[0] for each in examined if each[0]])
                for number, (content, facts) in enumerate(examined, start):
                    self._note(number, {"kept": number, **facts} if content else facts)
                start += len(chunk)
                yield pixels

    def _pixels(self, contents: Sequence[bytes]) -> Any:
        return decode_files(contents, self._format)

    def _undecodable(self, examined: Any) -> Any:
        try:
            self._pixels([examined[0]] if examined[0] else [])
            return examined
        except tf.errors.InvalidArgumentError:
            return None, "is of a kind that TensorFlow does not decode"

    def _note(self, number: Any, facts: dict[str, Any]) -> None:
        if isinstance(facts, str):
            facts = {"unreadable": (number, facts)}
        for name, value in facts.items():
            self._facts.setdefault(name, []).append(value)
