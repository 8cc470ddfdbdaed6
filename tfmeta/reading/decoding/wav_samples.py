"""Decodes the samples of a WAV file in a TensorFlow graph."""

from typing import Any

import tensorflow as tf

from tfmeta.reading.wav_files import LARGEST_FLOAT


def wav_samples(content: tf.Tensor, header: tf.Tensor, name: Any) -> tf.Tensor:
    """The mean of all channels, full scale from -1 to 1: float32 `(frames,)`.

    Args:
        content: scalar string, a file that `checked_sounds` returned.
        header: int64 `(6,)`, its `HEADER`.
        name: scalar string, what a refusal calls the input.
    """
    kind, channels, _, data_at, data_size, _ = tf.unstack(header, 6)
    body = tf.strings.substr(content, data_at, data_size)

    def whole(dtype: tf.DType, bits: int, middle: float = 0.0) -> tf.Tensor:
        values = tf.cast(tf.io.decode_raw(body, dtype), tf.float32)
        return (values - middle) * (1 / (1 << bits - 1))

    def of_24_bits() -> tf.Tensor:
        digits = tf.reshape(tf.io.decode_raw(body, tf.uint8), (-1, 3))
        digits = tf.cast(digits, tf.int32) * tf.constant([1, 256, 65536])
        values = tf.reduce_sum(digits, 1)
        values = tf.where(values >= 1 << 23, values - (1 << 24), values)
        return tf.cast(values, tf.float32) * (1 / (1 << 23))

    def floats(dtype: tf.DType) -> tf.Tensor:
        values = tf.io.decode_raw(body, dtype)
        fits = tf.reduce_all(tf.abs(values) <= LARGEST_FLOAT)  # false for what is no number
        check = tf.debugging.Assert(
            fits,
            [
                name,
                f"expected finite samples, where full scale is 1, and none beyond "
                f"{LARGEST_FLOAT:g}; received others",
            ],
        )
        with tf.control_dependencies([check]):
            return tf.cast(values, tf.float32)

    values = tf.switch_case(
        tf.cast(kind, tf.int32),
        [
            lambda: whole(tf.uint8, 8, 128.0),
            lambda: whole(tf.int16, 16),
            of_24_bits,
            lambda: whole(tf.int32, 32),
            lambda: floats(tf.float32),
            lambda: floats(tf.float64),
        ],
    )
    return tf.reduce_mean(tf.reshape(values, (-1, tf.cast(channels, tf.int32))), 1)
