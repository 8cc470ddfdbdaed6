"""The bytes of a file as numbers, read in a TensorFlow graph."""

import builtins
from typing import Any

import tensorflow as tf

_BEYOND = 16  # zeros after the end, so that a short read near the end gets its length


class FileBytes:
    """Numbers at positions in a file; beyond its end there are zeros.

    Args:
        encoded: scalar string tensor, the file.

    Attributes:
        size: scalar int32, in bytes.
    """

    def __init__(self, encoded: tf.Tensor):
        content = tf.io.decode_raw(encoded, tf.uint8)
        self.size = tf.size(content)
        self._content = tf.concat([content, tf.zeros(_BEYOND, tf.uint8)], 0)

    def bytes(self, at: tf.Tensor, number: int) -> tf.Tensor:
        """Int32 `(number,)`; fewer if the file ends before."""
        # A position that overflowed is negative, and so is not in the file.
        at = tf.where(at < 0, self.size, tf.minimum(at, self.size))
        return tf.cast(self._content[at : at + number], tf.int32)

    def byte(self, at: tf.Tensor) -> Any:
        return self.bytes(at, 1)[0]

    def number(self, at: tf.Tensor, length: int, *, big_endian: bool) -> tf.Tensor:
        """Scalar int32 from `length` bytes, at most 4; a number that overflows is negative."""
        digits = self.bytes(at, length)
        digits = tf.where(big_endian, digits, tf.reverse(digits, [0]))
        return tf.reduce_sum(digits * tf.constant([1 << 8 * n for n in reversed(range(length))]))

    def begins(self, at: tf.Tensor, with_bytes: "builtins.bytes") -> tf.Tensor:
        """Scalar bool, whether these bytes are at a position."""
        return tf.reduce_all(self.bytes(at, len(with_bytes)) == tf.constant(list(with_bytes)))
