"""Turns pictures as cameras say: reads EXIF's orientation in a TensorFlow graph.

EXIF 2.32 (CIPA DC-008-2019), 4.6.4, tag 0x0112: the orientation is a number from 1 to 8, in a TIFF
structure. A JPEG has it in an APP1 segment before the image, a PNG in an eXIf chunk.
"""

from typing import Any

import tensorflow as tf

from tfmeta.file_bytes import FileBytes
from tfmeta.reading.decoding.jpeg_segments import find_segment
from tfmeta.reading.decoding.png_chunks import find_chunk

_TAG, _BYTE, _LONG = 0x0112, 1, 4
_ENTRY = 12  # bytes of an entry of a TIFF directory
_APP1 = 0xE1  # a JPEG's marker
_EXIF = b"Exif\0\0"
# For orientations 0 (there is none) to 8: whether rows and columns are exchanged, and which of them
# are then reversed.
_TRANSPOSED = (False, False, False, False, False, True, True, True, True)
_UPSIDE_DOWN = (False, False, False, True, True, False, False, True, True)
_LEFT_TO_RIGHT = (False, False, True, True, False, False, True, True, False)


def upright(
    image: Any, encoded: tf.Tensor, *, is_jpeg: tf.Tensor, is_png: tf.Tensor, name: Any
) -> Any:
    """An image as it is meant to be seen.

    Args:
        image: `(height, width, channels)` as stored.
        encoded: scalar string, the file that the image is from.
        is_jpeg, is_png: scalar bools; other kinds have no orientation.
        name: scalar string, what a refusal calls the input.

    Returns:
        The image; if it lay on its side, height and width are exchanged.
    """
    orientation = tf.cond(
        is_jpeg,
        lambda: _of_jpeg(encoded, name),
        lambda: tf.cond(is_png, lambda: _of_png(encoded, name), lambda: tf.constant(0)),
    )
    turned = tf.cond(orientation > 1, lambda: _turned(image, orientation), lambda: image)
    turned.set_shape((None, None, image.shape[-1]))
    return turned


def _turned(image: Any, orientation: Any) -> tf.Tensor:
    transposed, upside_down, left_to_right = (
        tf.gather(tf.constant(table), orientation)
        for table in (_TRANSPOSED, _UPSIDE_DOWN, _LEFT_TO_RIGHT)
    )
    image = tf.transpose(image, tf.where(transposed, [1, 0, 2], [0, 1, 2]))
    return tf.reverse(image, tf.boolean_mask([0, 1], tf.stack([upside_down, left_to_right])))


def _of_jpeg(encoded: tf.Tensor, name: Any) -> tf.Tensor:
    file = FileBytes(encoded)

    def has_exif(at: tf.Tensor, marker: Any) -> Any:
        return (marker == _APP1) & file.begins(at + 4, _EXIF)

    at, found = find_segment(file, has_exif, name)
    content = at + 4 + len(_EXIF)
    return tf.cond(found, lambda: _of_tiff(file, content), lambda: tf.constant(0))


def _of_png(encoded: tf.Tensor, name: Any) -> tf.Tensor:
    at = find_chunk(encoded, b"eXIf", name)
    return tf.cond(at > 0, lambda: _of_tiff(FileBytes(encoded), at), lambda: tf.constant(0))


def _of_tiff(file: Any, start: Any) -> tf.Tensor:
    """The orientation in a TIFF structure that begins at `start`; 0 if it has none."""
    big = file.byte(start) == ord("M")
    offset = file.number(start + 4, 4, big_endian=big)
    directory = start + tf.where(offset < 0, file.size, offset)
    count = file.number(directory, 2, big_endian=big)
    content = file.bytes(directory + 2, count * _ENTRY)
    content = content[: tf.size(content) // _ENTRY * _ENTRY]
    entries = tf.reshape(content, (-1, _ENTRY))

    def pair(at: tf.Tensor) -> tf.Tensor:
        first, second = entries[:, at], entries[:, at + 1]
        return tf.where(big, first * 256 + second, second * 256 + first)

    kind = pair(2)
    short = tf.where((kind == _LONG) & big, pair(10), pair(8))
    values = tf.where(kind == _BYTE, entries[:, 8], short)
    value = tf.reduce_max(tf.where(pair(0) == _TAG, values, 0))
    return tf.where((value >= 1) & (value < len(_TRANSPOSED)), value, 0)
