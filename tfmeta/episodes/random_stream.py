"""Random numbers by their position, so that episode i never depends on episode i-1."""

import pickle
import random
import zlib
from typing import Any

import numpy as np
import tensorflow as tf

_WORDS_PER_COUNT = 4  # Philox 4x32 makes four 32-bit words from each value of its counter
_PHILOX = 1  # tf.random.Algorithm.PHILOX: the same bits on every device and version


class RandomStream:
    """The Philox stream of (seed, split), cut into rows of words, one row per episode.

    Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". The stream is a function of
    its counter, so it can be read from any position. A batch of episodes is one draw, and the
    episodes are the same for any size of the batch.

    Args:
        seed: any integer of 64 bits.
        split: name of the split; each has its own stream.
        words: number of 32-bit words per episode.
    """

    def __init__(self, seed: int, split: str, words: int):
        self._words = -(-words // _WORDS_PER_COUNT) * _WORDS_PER_COUNT
        self._key, _ = tf.raw_ops.StatelessRandomGetKeyCounter(
            seed=tf.constant([seed, zlib.crc32(split.encode())], tf.int64)
        )

    def integers(self, first: Any, count: Any) -> tf.Tensor:
        """Any integers of int32, `(count, words)`; row j belongs to episode first + j."""
        start = tf.cast(first, tf.uint64) * (self._words // _WORDS_PER_COUNT)
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[count, self._words],
            key=self._key,
            counter=tf.stack([start, tf.zeros_like(start)]),
            alg=_PHILOX,
            dtype=tf.int32,
        )

    def units(self, first: Any, count: Any) -> Any:
        """Uniform float32 numbers in [0, 1), `(count, words)`, from the integers' upper 24 bits."""
        bits = tf.bitcast(self.integers(first, count), tf.uint32)
        return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) / 2**24


def drawn_by_python() -> bytes:
    """The state of the generators of Python and NumPy, which code may use while it is traced."""
    return pickle.dumps((random.getstate(), np.random.get_state()))
