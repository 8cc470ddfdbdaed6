"""Numbers for every pair of vectors, each of which depends on its own pair alone, to the bit.

A matrix product would be quicker, but the order in which it sums depends on the number of vectors
and on the processor. An answer would then depend on the other queries. The same is true of the
library's own sums: vectors that do not fill a register are summed in another order. Here only
single additions and multiplications of whole tensors are used. IEEE 754 defines the result of each,
so that the order of the sum is the same on every processor.
"""

from typing import Any

import tensorflow as tf

LEAST_SQUARE = 1e-12  # of a vector's length, so that zero stays zero
_ADDED_AT_ONCE = 8  # terms that TensorFlow's AddN sums in one pass through memory


@tf.custom_gradient
def squared_distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Squared distances `(as, bs)` of vectors `a` `(as, units)` to vectors `b` `(bs, units)`."""

    def gradient(upstream: tf.Tensor) -> Any:
        # The closed form needs no tensors `(units, as, bs)` and a third of the time. It is
        # differentiable too, because outer tapes follow its tensors.
        of_a = tf.reduce_sum(upstream, 1)[:, tf.newaxis] * a - upstream @ b
        of_b = tf.reduce_sum(upstream, 0)[:, tf.newaxis] * b - tf.transpose(upstream) @ a
        return 2 * of_a, 2 * of_b

    return _added_up(tf.math.squared_difference(*_facing(a, b))), gradient


@tf.custom_gradient
def inner_products(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Inner products `(as, bs)` of vectors `a` `(as, units)` and vectors `b` `(bs, units)`."""

    def gradient(upstream: tf.Tensor) -> Any:
        return upstream @ b, tf.transpose(upstream) @ a

    left, right = _facing(a, b)
    return _added_up(left * right), gradient


def weighted_differences(a: tf.Tensor, b: tf.Tensor, weights: list[tf.Tensor]) -> tf.Tensor:
    """For each pair the sum of the absolute differences, `(as, bs)`, with `weights` `(units,)`."""
    left, right = _facing(a, b)
    return ordered_sum(tf.abs(left - right) * tf.reshape(weights, (-1, 1, 1)))


def unit_vectors(vectors: Any) -> tf.Tensor:
    """Vectors `(vectors, units)` of length one, without a reciprocal root, which is approximate."""
    squares = ordered_sum(tf.transpose(vectors**2))
    return vectors / tf.sqrt(tf.maximum(squares, LEAST_SQUARE))[:, tf.newaxis]


@tf.custom_gradient
def ordered_sum(terms: Any) -> tf.Tensor:
    """The sum over the first dimension of `(terms, ...)`, in an order set by its size alone."""

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # In one piece, because the gradient of each slice would be a tensor full of zeros.
        return tf.broadcast_to(upstream, tf.shape(terms))

    return _added_up(terms), gradient


def _facing(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both sets of vectors, as `(units, as, 1)` and `(units, 1, bs)`."""
    return tf.transpose(a)[:, :, tf.newaxis], tf.transpose(b)[:, tf.newaxis]


def _added_up(terms: Any) -> tf.Tensor:
    number = terms.shape[0]
    while number > 1:
        parts = min(number, _ADDED_AT_ONCE)
        size, rest = divmod(number, parts)
        total = tf.add_n([terms[part * size : (part + 1) * size] for part in range(parts)])
        terms = tf.concat([total, terms[number - rest :]], 0) if rest else total
        number = size + rest
    return terms[0]
