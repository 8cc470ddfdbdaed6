"""Encoded images, wherever they lie -> pixels and what is known of them, in memory or on disk.

Only a chunk of them is held encoded at a time. Pixels come from `ImageFormat.decode`, the same in
training, prediction and serving.
"""

import functools
import hashlib
import io
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfmeta import files
from tfmeta.reading.images import ImageFormat
from tfmeta.reading.npz_files import DAMAGED
from tfmeta.reading.origins import Origins
from tfmeta.reading.record_file import CACHE_HINT, RecordFile, cache_folder, write_records

_PNG_BEGINNING, _PNG_DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24
_CHUNK = 64  # images in memory at a time


def read_images(items, examine, image_format: ImageFormat, *, key: str | None = None):
    """Examines and decodes images.

    Args:
        items: iterable of whatever `examine` takes, an image each.
        examine: a function, called in threads: `(content, facts)`, an image's bytes and
            `image_facts` or more, as JSON takes them; or `(None, what is wrong with it)`.
        image_format: of the examples.
        key: of exactly these images in this format: keep the pixels on disk, in
            `record_file.cache_folder()`, where `items` are not even asked for the next time. None:
            in memory.

    Returns:
        `(examples, facts)`: uint8 `(images, height, width, channels)`, an array or a RecordFile,
        and for each name of a fact the images' values. "kept" is their numbers among the items, and
        "unreadable" lists the `[number, problem]` of all others.
    """
    reading = _Reading(items, examine, image_format)
    if key is None:
        batches = list(reading.batches())
        examples = np.concatenate([np.zeros((0, *image_format.shape), np.uint8), *batches])
        return examples, json.loads(json.dumps(reading.facts()))
    folder = cache_folder() / key
    examples = _kept(folder)
    if examples is None:
        files.check_writable(folder.parent, CACHE_HINT)
        with files.locked(folder, wait=math.inf):  # who stores the same does it for us too
            examples = _kept(folder)
            if examples is None:
                examples = write_records(folder, reading.batches(), reading.facts)
    return examples, examples.facts


def _kept(folder):
    try:
        return RecordFile(folder)
    except DAMAGED:  # none yet, or none whole
        return None


def image_facts(content: bytes) -> dict:
    """Size, mode and digest of an image, upright, before it is resized."""
    with Image.open(io.BytesIO(content)) as image:
        mode, upright = image.mode, ImageOps.exif_transpose(image)
        # The same picture in another file format is the same; of 16 bits as it is, for Pillow
        # would cut it off at 255 or take the upper eight.
        pixels = deep_pixels(content) if is_deep(content) else upright.convert("RGBA")
        digest = hashlib.blake2b(f"{upright.size}".encode() + pixels.tobytes(), digest_size=16)
        size = (upright.height, upright.width)
        return {"sizes": size, "modes": mode, "digests": digest.hexdigest()}


def is_deep(content: bytes) -> bool:
    """Whether it is a PNG of 16 bits a channel, as its first 32 bytes say."""
    return (
        content.startswith(_PNG_BEGINNING) and content[_PNG_DEPTH_AT : _PNG_DEPTH_AT + 1] == b"\x10"
    )


def deep_pixels(content: bytes) -> np.ndarray:
    """Uint16 `(height, width, 4)` of a PNG; empty if TensorFlow does not decode it."""
    try:
        return tf.io.decode_png(content, channels=4, dtype=tf.uint16).numpy()
    except tf.errors.InvalidArgumentError:
        return np.zeros((0, 0, 4), np.uint16)


def deep_range_of(contents) -> tuple[int, int] | None:
    """The least and the most of what is visible in the images of 16 bits; None if there are none.

    Args:
        contents: iterable of images' bytes.
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


def origins_of(names, facts: dict, **others) -> Origins:
    """The origins of images that were read.

    Args:
        names: of the items, all of them.
        facts: as of `read_images`.
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


def images_key(image_format: ImageFormat, parts) -> str:
    """A key for `read_images`.

    Args:
        image_format: that they are decoded into.
        parts: strings that say which images they are, and in which state.
    """
    digest = hashlib.sha256(json.dumps(image_format.to_dict()).encode())
    for part in parts:
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()[:32]


def file_state(path) -> str:
    """A file as it is now, for `images_key`."""
    state = path.stat()
    return f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"


def decode_files(contents, image_format: ImageFormat) -> np.ndarray:
    """Uint8 `(images, height, width, channels)` of a list of encoded images."""
    decode = _decoder(replace(image_format, invert=False))
    pixels = decode(tf.constant(contents, tf.string, [len(contents)])).numpy()
    return 255 - pixels if image_format.invert else pixels


@functools.cache
def _decoder(image_format):
    """Traced once a format: that takes seconds."""
    return tf.function(
        image_format.decode_all,
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


class _Reading:
    """One pass over the items."""

    def __init__(self, items, examine, image_format):
        self._items, self._examine, self._format = items, examine, image_format
        names = ("kept", "unreadable", "sizes", "modes", "digests")
        self._facts = {name: [] for name in names}

    def facts(self):
        return self._facts

    def batches(self):
        """uint8 arrays `(images, height, width, channels)`, a chunk of items at a time."""
        items, start = iter(self._items), 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            while chunk := list(islice(items, _CHUNK)):
                examined = list(pool.map(self._examine, chunk))
                try:
                    pixels = self._pixels([each[0] for each in examined if each[0]])
                except tf.errors.InvalidArgumentError:  # Pillow reads one that TensorFlow doesn't
                    examined = [self._undecodable(each) for each in examined]
                    pixels = self._pixels([each[0] for each in examined if each[0]])
                for number, (content, facts) in enumerate(examined, start):
                    self._note(number, {"kept": number, **facts} if content else facts)
                start += len(chunk)
                yield pixels

    def _pixels(self, contents):
        return decode_files(contents, self._format)

    def _undecodable(self, examined):
        try:
            self._pixels([examined[0]] if examined[0] else [])
            return examined
        except tf.errors.InvalidArgumentError:
            return None, "is of a kind that TensorFlow does not decode"

    def _note(self, number, facts):
        if isinstance(facts, str):
            facts = {"unreadable": (number, facts)}
        for name, value in facts.items():
            self._facts.setdefault(name, []).append(value)
