"""A method's answer as a sum over the support set, where it is one."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.learners.class_members import class_means
from tfmeta.learners.pairwise import inner_products, squared_distances

SQUARED_DISTANCE, COSINE = "squared distance", "cosine"


class SupportParts(NamedTuple):
    """What each support example adds to a query's answer: `sum(parts over support) + rest`.

    Attributes:
        parts: `(queries, support, outputs)`.
        rest: `(queries, outputs)`, what the answer is before any example.
        of: what the sum is: "logit", "probability" or "value".
        weights: `(queries, support, outputs)`, what the method gives each example in each output.
        measures: `(queries, support)`, how the method compares the example with the query.
        measure: the name of `measures`.
    """

    parts: tf.Tensor
    rest: tf.Tensor
    of: str
    weights: tf.Tensor
    measures: tf.Tensor
    measure: str


def shares(members: tf.Tensor) -> tf.Tensor:
    """The weight of each example in the mean of its class: `(support, classes)`."""
    return members / tf.maximum(tf.reduce_sum(members, 0), 1.0)


def mean_parts(
    nearness: tf.Tensor, members: tf.Tensor, measured: tuple[tf.Tensor, str]
) -> SupportParts:
    """The parts of logits that are the mean of each class's `nearness`.

    A number that is added to all logits changes no probability. So the parts are of the logits
    without their mean over the classes, which is the `rest`: an example that is nearer than the
    classes are on average speaks for its class, and one that is farther against it.

    Args:
        nearness: `(queries, support)`.
        members: what `membership` returns.
        measured: the measure `(queries, support)` and its name.
    """
    measures, measure = measured
    share = shares(members)[tf.newaxis]
    rest = tf.reduce_mean(tf.reduce_sum(nearness[:, :, tf.newaxis] * share, 1), -1, keepdims=True)
    parts = (nearness - rest)[:, :, tf.newaxis] * share
    weights = tf.broadcast_to(share, tf.shape(parts))
    rest = tf.broadcast_to(rest, tf.shape(parts[:, 0]))
    return SupportParts(parts, rest, "logit", weights, measures, measure)


def nearest_mean_parts(
    query: tf.Tensor, support: tf.Tensor, members: tf.Tensor, scale: Any = 1.0
) -> SupportParts:
    """The parts of minus the squared distance to each class's mean, times a scale.

    With the mean m of n examples x_i, -|q - m|^2 = sum_i (|x_i - m|^2 - |q - x_i|^2) / n. So an
    example adds how much nearer it is to the query than to the mean of its class.

    Args:
        query: `(queries, units)`.
        support: `(support, units)`.
        members: what `membership` returns.
        scale: of the logits.
    """
    means = tf.gather(class_means(support, members), tf.argmax(members, 1))
    spread = tf.reduce_sum(tf.math.squared_difference(support, means), -1)
    distances = squared_distances(query, support)
    nearness = scale * (spread[tf.newaxis] - distances)
    return mean_parts(nearness, members, (distances, SQUARED_DISTANCE))


def linear_parts(query: tf.Tensor, support: tf.Tensor, dual: Any) -> SupportParts:
    """The parts of the logits `query W'`, for a head `W = dual' support`.

    Args:
        query: `(queries, units)`, of unit length.
        support: `(support, units)`, of unit length.
        dual: `(support, classes)`.
    """
    cosines = inner_products(query, support)
    parts = cosines[:, :, tf.newaxis] * dual[tf.newaxis]
    weights = tf.broadcast_to(dual[tf.newaxis], tf.shape(parts))
    return SupportParts(parts, tf.zeros_like(parts[:, 0]), "logit", weights, cosines, COSINE)
