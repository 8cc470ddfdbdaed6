"""Batch statistics whose second derivatives are right.

`tf.nn.moments` computes the variance around `stop_gradient(mean)`. The first derivative is then
still right, because the deviations sum to zero, but the second derivative is wrong, and no error
says so: on a two-layer network with batch normalisation MAML's meta-gradient is off by 10 to 50%
(`tests/learners/test_maml.py`). All normalisation layers of Keras call it. So while a network runs
on tensors, the function below replaces it; its values are the same.
"""

import contextlib
from typing import Any

import tensorflow as tf

from tfmeta.learners.computing_dtype import full
from tfmeta.replaced_function import ReplacedFunction


def exact_moments(x: tf.Tensor, axes: Any, *, keepdims: bool = False) -> Any:
    """The mean and variance of `x` over `axes`, differentiable any number of times."""
    axes, given = [axis % x.shape.rank for axis in axes], x.dtype
    x = full(x)

    @tf.custom_gradient
    def moments(x: tf.Tensor) -> Any:
        mean = tf.reduce_mean(x, axes, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=True)

        def gradient(upstream_mean: tf.Tensor, upstream_variance: tf.Tensor) -> Any:
            # A closed form needs fewer passes over x than the derivative of the lines above. It is
            # differentiable too, because outer tapes follow x.
            share = tf.cast(tf.size(mean) / tf.size(x), x.dtype)  # weight of a value in the mean
            slope = (2 * share) * upstream_variance
            offset = share * upstream_mean - slope * tf.reduce_mean(x, axes, keepdims=True)
            return slope * x + offset

        return (mean, variance), gradient

    mean, variance = (tf.cast(moment, given) for moment in moments(x))
    if keepdims:
        return mean, variance
    return tf.squeeze(mean, axes), tf.squeeze(variance, axes)


def exact_second_derivatives() -> contextlib.AbstractContextManager[None]:
    """Replaces `tf.nn.moments` by `exact_moments` in its body, in this thread only."""
    return _MOMENTS.by(_moments)


def _moments(
    original: Any, x: tf.Tensor, axes: Any, shift: Any = None, keepdims: bool = False, **name: Any
) -> Any:
    return exact_moments(x, axes, keepdims=keepdims)


_MOMENTS = ReplacedFunction(tf.nn, "moments")
