"""Decodes image files into opaque pixels in a TensorFlow graph."""

from functools import partial
from typing import Any

import tensorflow as tf

from tfmeta.file_bytes import FileBytes
from tfmeta.reading.decoding.gif_frames import FRAME, first_frame, first_frame_alone
from tfmeta.reading.decoding.png_chunks import find_chunk

# Where a PNG says its bits per channel and the kind of its pixels; the kinds with opacity.
DEPTH_AT, KIND_AT, DEPTH_16, KINDS_WITH_OPACITY = 24, 25, b"\x10", (b"\x04", b"\x06")
_SHALLOW, _DEEP = 255, 65535  # the largest value of 8 and of 16 bits
_EVERY_BYTE = [bytes([value]) for value in range(256)]


def decode_png(
    encoded: tf.Tensor, head: Any, *, ground: float, deep_range: tuple[int, int], name: Any
) -> tf.Tensor:
    """The pixels of a PNG in front of a background.

    Args:
        encoded: scalar string.
        head: scalar string, the beginning of the file, with the chunk that says of what kind it is.
        ground: grey level, 0 to 255, of the background; it shows where the image is transparent.
        deep_range: the values that become 0 and 255 in a file with 16 bits per channel.
        name: scalar string, what a refusal calls the input.

    Returns:
        float32 `(height, width, 3)`, 0 to 255; whole numbers where the image is opaque and has 8
        bits per channel.
    """
    depth, kind = (tf.strings.substr(head, at, 1) for at in (DEPTH_AT, KIND_AT))

    def opaque() -> tf.Tensor:
        return tf.cast(tf.io.decode_png(encoded, channels=3), tf.float32)

    def transparent() -> Any:
        pixels = tf.cast(tf.io.decode_png(encoded, channels=4), tf.float32)
        return _before(ground, pixels[..., :3], pixels[..., 3:] * (1 / _SHALLOW))

    def deep() -> Any:
        pixels = tf.io.decode_png(encoded, channels=4, dtype=tf.uint16)
        pixels = tf.cast(pixels, tf.float32)
        low, high = deep_range
        colour = (pixels[..., :3] - low) * (_SHALLOW / (high - low))
        colour = tf.clip_by_value(colour, 0.0, _SHALLOW)
        return _before(ground, colour, pixels[..., 3:] * (1 / _DEEP))

    # TensorFlow gives a wrong opacity to opaque images of less than 8 bits per channel. So the
    # opacity is read only if the file has one.
    has_channel = tf.reduce_any(kind == tf.constant(KINDS_WITH_OPACITY))
    is_opaque = ~has_channel & (find_chunk(encoded, b"tRNS", name) == 0)
    shallow = partial(tf.cond, is_opaque, opaque, transparent)
    return tf.cond(depth == DEPTH_16, deep, shallow)


def decode_stored(encoded: tf.Tensor) -> tf.Tensor:
    """A file's pixels as they are stored, in the form that `decode_png` returns."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.cast(image, tf.float32)


def decode_stored_gif(encoded: tf.Tensor, name: Any) -> Any:
    """The first frame's pixels as they are stored, in the form that `decode_png` returns."""
    file = FileBytes(encoded)
    return decode_stored(first_frame_alone(encoded, file, first_frame(file, name)))


def _before(ground: Any, colour: Any, opacity: Any) -> tf.Tensor:
    return tf.where(opacity >= 1, colour, ground + (colour - ground) * opacity)


def decode_gif(encoded: tf.Tensor, *, ground: float, name: Any) -> Any:
    """The first frame of a GIF in front of a background, as `decode_png` does it for a PNG.

    TensorFlow makes transparent pixels black. So before the file is decoded, the transparent colour
    in its palette is replaced by the background's, and is no longer marked as transparent.
    """
    file = FileBytes(encoded)
    frame = first_frame(file, name)
    index = file.byte(frame.control + 3)
    is_marked = (frame.control > 0) & ((file.byte(frame.control) & 1) > 0) & (index < frame.colours)
    entry = frame.palette + 3 * index
    has_both = (file.byte(frame.at) == FRAME) & (entry + 3 <= file.size)
    encoded = first_frame_alone(encoded, file, frame)

    def opaque() -> Any:
        flag = tf.gather(tf.constant(_EVERY_BYTE), file.byte(frame.control) & 0xFE)
        colour = tf.constant(bytes([round(ground)]) * 3)
        return _replaced(_replaced(encoded, frame.control, flag, 1), entry, colour, 3)

    encoded = tf.cond(is_marked & has_both, opaque, lambda: encoded)
    return _on_canvas(encoded, frame, ground)


def _on_canvas(encoded: tf.Tensor, frame: Any, ground: Any) -> tf.Tensor:
    """A GIF's first frame at its place on the canvas, which TensorFlow leaves out."""
    at, left, top, width, height = frame.at, frame.left, frame.top, frame.width, frame.height
    moved = (left > 0) | (top > 0)
    encoded = tf.cond(moved, lambda: _replaced(encoded, at + 1, b"\0" * 4, 4), lambda: encoded)
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    image = tf.cast(image, tf.float32)[:height, :width]
    below, right = frame.rows - top - height, frame.columns - left - width
    return tf.pad(image, [[top, below], [left, right], [0, 0]], constant_values=ground)


def _replaced(encoded: tf.Tensor, at: tf.Tensor, content: Any, length: int) -> tf.Tensor:
    """A file in which `length` bytes are replaced by others."""
    rest = tf.strings.substr(encoded, at + length, tf.int32.max)
    return tf.strings.join([tf.strings.substr(encoded, 0, at), content, rest])
