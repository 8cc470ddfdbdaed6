"""A method's answer as a sum over the support set, where it is one."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.learners.class_members import class_means
from tfmeta.learners.pairwise import inner_products, squared_distances


class SupportParts(NamedTuple):
    """What each support example adds to a query's answer: `sum(parts over support) + rest`.

    Attributes:
        parts: `(queries, support, outputs)`.
        rest: `(queries, outputs)`, what the answer is before any example.
        of: what the sum is: "logit", "probability" or "value".
    """

    parts: tf.Tensor
    rest: tf.Tensor
    of: str


def logit_parts(parts: tf.Tensor) -> SupportParts:
    """The parts `(queries, support, classes)` of logits that are a sum over the support alone."""
    return SupportParts(parts, tf.zeros_like(parts[:, 0]), "logit")


def shares(members: tf.Tensor) -> tf.Tensor:
    """The weight of each example in the mean of its class: `(support, classes)`."""
    return members / tf.maximum(tf.reduce_sum(members, 0), 1.0)


def nearest_mean_parts(query: tf.Tensor, support: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    """The parts of minus the squared distance to each class's mean.

    With the mean m of n examples x_i, -|q - m|^2 = sum_i (|x_i - m|^2 - |q - x_i|^2) / n. So an
    example adds how much nearer it is to the query than to the mean of its class.

    Args:
        query: `(queries, units)`.
        support: `(support, units)`.
        members: what `membership` returns.
    """
    means = tf.gather(class_means(support, members), tf.argmax(members, 1))
    spread = tf.reduce_sum(tf.math.squared_difference(support, means), -1)
    nearness = spread[tf.newaxis] - squared_distances(query, support)
    return nearness[:, :, tf.newaxis] * shares(members)[tf.newaxis]


def linear_parts(query: tf.Tensor, support: tf.Tensor, dual: Any) -> tf.Tensor:
    """The parts of `query W'`, for a head `W = dual' support`.

    Args:
        query: `(queries, units)`.
        support: `(support, units)`.
        dual: `(support, classes)`.
    """
    return inner_products(query, support)[:, :, tf.newaxis] * dual[tf.newaxis]
