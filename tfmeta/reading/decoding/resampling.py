"""Takes a stretch of a sound at another rate, in a TensorFlow graph.

Band-limited interpolation by a windowed sinc (Smith, Digital Audio Resampling,
https://ccrma.stanford.edu/~jos/resample/). Any two whole rates; what the new rate can't hold is
filtered out. The cost depends on the samples that come out, not on those of the file.
"""

import math
from typing import Any

import tensorflow as tf

_ZEROS = 32  # zero crossings of the sinc on each side
# Where the filter is half open, as a share of the highest frequency. With Blackman's window it is
# 3 / 32 wide on each side: open below 0.85 of that frequency, and closed from 1.03 on.
_ROLLOFF = 0.94
_BLOCK = 1 << 18  # products in memory at a time


def resampled(
    x: tf.Tensor, rate: tf.Tensor, start: tf.Tensor, *, to_rate: int, count: int
) -> tf.Tensor:
    """Samples of a sound from `start` on, at `to_rate`: float64 `(count,)`.

    Args:
        x: float32 `(samples,)`; before and after it there is silence.
        rate: scalar int64, samples per second of `x`.
        start: scalar int64, the sample of `x` at which the result begins; it may be negative.
        to_rate: samples per second of the result.
        count: number of samples of the result.
    """
    length = tf.cast(tf.size(x), tf.int64)
    padded = tf.pad(tf.cast(x, tf.float64), [[1, 1]])

    def at(places: tf.Tensor) -> tf.Tensor:
        return tf.gather(padded, tf.clip_by_value(places + 1, 0, length + 1))

    def same_rate() -> tf.Tensor:
        return at(start + tf.range(count, dtype=tf.int64))

    def other_rate() -> tf.Tensor:
        return _interpolated(at, rate, start, length, to_rate=to_rate, count=count)

    result = tf.cond(rate == to_rate, same_rate, other_rate)
    return tf.ensure_shape(result, (count,))


def _interpolated(
    at: Any, rate: tf.Tensor, start: tf.Tensor, length: tf.Tensor, *, to_rate: int, count: int
) -> tf.Tensor:
    one, zero = tf.ones((), tf.float64), tf.zeros((), tf.float64)
    cutoff = _ROLLOFF * tf.minimum(one, to_rate / tf.cast(rate, tf.float64))
    width = _ZEROS / cutoff  # of one half of the filter, in samples of the file
    half = tf.cast(tf.math.ceil(width), tf.int64)
    taps = tf.range(1 - half, half + 1)
    block = tf.maximum(_BLOCK // (2 * half), 1)

    def of_block(first: tf.Tensor) -> tf.Tensor:
        numbers = (first + tf.range(block)) * rate
        places = start + numbers // to_rate
        # Tables of sines and cosines by the theorems of addition: no sine for each product.
        offset = tf.cast(numbers % to_rate, tf.float64)[:, tf.newaxis] / to_rate
        steps = tf.cast(taps, tf.float64)
        distance = offset - steps
        sine, _ = _of_difference(math.pi * cutoff * offset, math.pi * cutoff * steps)
        angle = math.pi / width
        _, cosine = _of_difference(angle * offset, angle * steps)
        window = 0.42 + 0.5 * cosine + 0.08 * (2 * cosine * cosine - 1)
        is_middle = tf.abs(distance) < 1e-9
        sinc = sine / tf.where(is_middle, one, math.pi * distance)
        weights = tf.where(is_middle, cutoff, sinc) * window
        weights = tf.where(tf.abs(distance) < width, weights, zero)
        weights /= tf.reduce_sum(weights, 1, keepdims=True)  # so that a constant stays one
        return tf.reduce_sum(weights * at(places[:, tf.newaxis] + taps), 1)

    def of_block_or_silence(first: tf.Tensor) -> tf.Tensor:
        begin = start + first * rate // to_rate - half
        end = start + (first + block) * rate // to_rate + half
        is_heard = (end >= 0) & (begin <= length)
        return tf.cond(is_heard, lambda: of_block(first), lambda: tf.zeros([block], tf.float64))

    firsts = tf.range(0, count, block, dtype=tf.int64)
    spec = tf.TensorSpec((None,), tf.float64)
    blocks = tf.map_fn(of_block_or_silence, firsts, fn_output_signature=spec, parallel_iterations=1)
    return tf.reshape(blocks, [-1])[:count]


def _of_difference(one: tf.Tensor, other: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sine and cosine of `one - other`."""
    sin_one, cos_one, sin_other, cos_other = tf.sin(one), tf.cos(one), tf.sin(other), tf.cos(other)
    sine = sin_one * cos_other - cos_one * sin_other
    return sine, cos_one * cos_other + sin_one * sin_other
