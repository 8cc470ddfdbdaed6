"""Every vector of one set with each of another: a pair's number is that pair's alone, to the bit.

A matrix product would be quicker, but how it adds up depends on how many vectors there are, and on
the processor; an answer would then depend on the other queries. The library's own sums do as well:
the vectors that are left over when the registers are full are added up in another order. Here only
single additions and multiplications of whole tensors are used. IEEE 754 says what each gives, so
the order of adding up is ours, on any processor.
"""

import tensorflow as tf

_ADDED_AT_ONCE = 8  # as many as TensorFlow's AddN goes through memory for once


@tf.custom_gradient
def squared_distances(a, b):
    """`(as, bs)` of every vector of `a` `(as, units)` to each of `b` `(bs, units)`."""

    def gradient(upstream):
        # In closed form, without the tensors `(units, as, bs)`: a third of the time, and, of
        # tensors that the outer tapes follow, itself differentiable.
        of_a = tf.reduce_sum(upstream, 1)[:, tf.newaxis] * a - upstream @ b
        of_b = tf.reduce_sum(upstream, 0)[:, tf.newaxis] * b - tf.transpose(upstream) @ a
        return 2 * of_a, 2 * of_b

    return _added_up(tf.math.squared_difference(*_facing(a, b))), gradient


@tf.custom_gradient
def inner_products(a, b):
    """`(as, bs)` of every vector of `a` `(as, units)` with each of `b` `(bs, units)`."""

    def gradient(upstream):
        return upstream @ b, tf.transpose(upstream) @ a

    left, right = _facing(a, b)
    return _added_up(left * right), gradient


def weighted_differences(a, b, weights):
    """`(as, bs)`: for each pair the sum of the absolute differences, by `weights` `(units,)`."""
    left, right = _facing(a, b)
    return ordered_sum(tf.abs(left - right) * tf.reshape(weights, (-1, 1, 1)))


def unit_vectors(vectors):
    """`(vectors, units)` of length one. Not with a reciprocal root, which is an approximation."""
    squares = ordered_sum(tf.transpose(vectors**2))
    return vectors / tf.sqrt(tf.maximum(squares, 1e-12))[:, tf.newaxis]


@tf.custom_gradient
def ordered_sum(terms):
    """The sum over the first dimension of `(terms, ...)`, in an order set by its size alone."""

    def gradient(upstream):
        # In one piece: that of each slice would be a tensor of zeros but for the slice.
        return tf.broadcast_to(upstream, tf.shape(terms))

    return _added_up(terms), gradient


def _facing(a, b):
    """Both, as `(units, as, 1)` and `(units, 1, bs)`."""
    return tf.transpose(a)[:, :, tf.newaxis], tf.transpose(b)[:, tf.newaxis]


def _added_up(terms):
    number = terms.shape[0]
    while number > 1:
        parts = min(number, _ADDED_AT_ONCE)
        size, rest = divmod(number, parts)
        total = tf.add_n([terms[part * size : (part + 1) * size] for part in range(parts)])
        terms = tf.concat([total, terms[number - rest :]], 0) if rest else total
        number = size + rest
    return terms[0]
