"""How large encoded images are, read from the beginning of the files; nothing is decoded.

A file of a few hundred kilobytes may hold an image of gigabytes, and a decoder reserves that memory
before it reads the image.
"""

from functools import cache
from typing import Any

import tensorflow as tf

from tfmeta.file_bytes import FileBytes
from tfmeta.reading.decoding.encoded_requests import KEPT_WHOLE, at_most
from tfmeta.reading.decoding.gif_frames import first_frame

# How files of each kind begin. A PNG begins with the chunk that has its size.
PNG, JPEG, GIF, BMP = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"GIF8", b"BM"
# Of BMP only true colour: TensorFlow misreads those with a palette.
_BMP_BITS_AT, _BMP_TRUE_COLOUR = 28, (24, 32)
_HEAD_BYTES = 32
PNG_SIDES_AT, _BMP_SIDES_AT = 16, 18  # width, then height, of 4 bytes each
_LARGEST_SIDE = 2**31 - 1


def checked_images(encoded: tf.Tensor, *, name: str, most_pixels: int, most_bytes: int) -> Any:
    """Checks encoded images before any is decoded; an InvalidArgument error refuses them.

    Args:
        encoded: strings of any shape.
        name: of the input, for the error's message.
        most_pixels: that one image may have.
        most_bytes: that one file may have.

    Returns:
        `(encoded, pixels)`: the same strings, which must be used in place of the given ones, and
        the number of pixels of each image, int64 of the same shape.
    """
    flat = tf.reshape(encoded, [-1])
    heads = tf.io.decode_raw(flat, tf.uint8, fixed_length=_HEAD_BYTES)
    heads = tf.cast(tf.reshape(heads, (-1, _HEAD_BYTES)), tf.int64)
    is_png, is_jpeg, is_gif, is_bmp = kinds = [_begins(heads, b) for b in (PNG, JPEG, GIF, BMP)]
    bits = heads[:, _BMP_BITS_AT] + 256 * heads[:, _BMP_BITS_AT + 1]
    kinds[-1] &= tf.reduce_any(bits[:, tf.newaxis] == tf.constant(_BMP_TRUE_COLOUR, tf.int64), 1)
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(tf.reduce_any(tf.stack(kinds), 0)),
            [
                f"{name}: expected the bytes of PNG, JPEG, GIF or true-colour BMP files, received "
                "others; convert WebP, TIFF and the like to PNG before"
            ],
        ),
        at_most(most_bytes, tf.strings.length(flat), f"{name}: a file's bytes", "image_bytes"),
    ]
    with tf.control_dependencies(checks):
        flat = tf.identity(flat)
    pixels = tf.where(is_png, _product(heads, PNG_SIDES_AT, big_endian=True), 0)
    pixels = tf.where(is_bmp, _product(heads, _BMP_SIDES_AT, big_endian=False), pixels)
    is_walked = is_jpeg | is_gif
    walked = tf.cond(
        tf.reduce_any(is_walked),
        lambda: _walked(flat, is_jpeg, is_gif, name),
        lambda: tf.zeros_like(pixels),
    )
    pixels = tf.where(is_walked, walked, pixels)
    check = at_most(most_pixels, pixels, f"{name}: an image's pixels", "image_pixels")
    with tf.control_dependencies([check]):
        return tf.reshape(flat, tf.shape(encoded)), tf.reshape(pixels, tf.shape(encoded))


def begins(head: Any, with_bytes: bytes) -> Any:
    """Whether a file, a scalar string, begins with these bytes."""
    return tf.strings.substr(head, 0, len(with_bytes)) == with_bytes


def _begins(heads: Any, with_bytes: Any) -> tf.Tensor:
    return tf.reduce_all(heads[:, : len(with_bytes)] == tf.constant([*with_bytes], tf.int64), 1)


def _product(heads: Any, at: tf.Tensor, *, big_endian: bool) -> Any:
    """The product of two sides; each is a number of 4 bytes, which may be negative in a BMP."""
    powers = tf.constant([256**n for n in range(4)], tf.int64)
    powers = tf.reverse(powers, [0]) if big_endian else powers
    sides = [tf.reduce_sum(heads[:, n : n + 4] * powers, 1) for n in (at, at + 4)]
    if not big_endian:
        sides = [tf.minimum(side, 2**32 - side) for side in sides]
    width, height = (tf.minimum(side, _LARGEST_SIDE) for side in sides)
    return width * height


def _walked(files: Any, is_jpeg: tf.Tensor, is_gif: tf.Tensor, name: Any) -> tf.Tensor:
    """The numbers of pixels of JPEG and GIF files, whose size has no fixed place; 0 for others."""

    def of_one(each: Any) -> Any:
        with tf.name_scope(name):  # the message about a file that is no JPEG shows it
            return _walked_one()(*each, tf.constant(name))

    signature = tf.TensorSpec((), tf.int64)
    return tf.map_fn(of_one, (files, is_jpeg, is_gif), fn_output_signature=signature)


@cache
def _walked_one() -> tf.Tensor:
    """The function, traced once."""

    def of_gif(content: Any, name: Any) -> Any:
        frame = first_frame(FileBytes(content), name)
        return _area(frame.rows, frame.columns)

    def pixels(content: Any, is_jpeg: tf.Tensor, is_gif: tf.Tensor, name: Any) -> tf.Tensor:
        return tf.cond(
            is_jpeg,
            lambda: _area(*tf.unstack(tf.io.extract_jpeg_shape(content)[:2])),
            lambda: tf.cond(is_gif, lambda: of_gif(content, name), lambda: tf.zeros((), tf.int64)),
        )

    dtypes = (tf.string, tf.bool, tf.bool, tf.string)
    return tf.function(
        pixels,
        input_signature=[tf.TensorSpec((), dtype) for dtype in dtypes],
        autograph=False,
        experimental_attributes=KEPT_WHOLE,
    )


def _area(rows: Any, columns: dict[str, Any]) -> Any:
    return tf.cast(rows, tf.int64) * tf.cast(columns, tf.int64)
