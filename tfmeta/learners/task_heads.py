"""Heads that learn a task from features of unit length, in a fixed number of operations.

Each is a function `(features, members, strength)` -> the head, `(classes, units)`: features
`(support, units)`, `members` as `membership` returns them, and a strength, which has a meaning for
ridge and logistic regression alone.
"""

from collections.abc import Callable

import tensorflow as tf

from tfmeta.learners.class_members import class_means, without_absent
from tfmeta.learners.pairwise import (
    LEAST_SQUARE,
    inner_products,
    ordered_sum,
    squared_distances,
    unit_vectors,
)
from tfmeta.learners.support_parts import (
    SupportParts,
    linear_parts,
    nearest_mean_parts,
    shares,
)

Features = tuple[tf.Tensor, tf.Tensor]
NEAREST_MEAN, COSINE, RIDGE, LOGISTIC = "nearest-mean", "cosine", "ridge", "logistic"
STRENGTHS = {RIDGE: 0.5, LOGISTIC: 0.1}  # of those that have one, their defaults

# Enough for a strength of 0.1 or more: with features of a network trained on CIFAR-FS, 5 ways and
# 5 shots, a head is then within 3e-8 of its optimum. With 0.01 it is within 2%.
_LOGISTIC_STEPS = 100


def means(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """The mean of each class."""
    del strength
    return class_means(features, members)


def mean_directions(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """The mean of each class, scaled to unit length."""
    return unit_vectors(means(features, members, strength))


def ridge_weights(
    features: tf.Tensor, members: tf.Tensor, strength: tf.Tensor | float
) -> tf.Tensor:
    """The ridge regression of the memberships: W = Y' (X X' + strength I)^-1 X."""
    return tf.matmul(ridge_dual(features, members, strength), features, transpose_a=True)


def ridge_dual(features: tf.Tensor, members: tf.Tensor, strength: tf.Tensor | float) -> tf.Tensor:
    """How much of each support example is in each class's head: `(support, classes)`."""
    kernel = tf.matmul(features, features, transpose_b=True)
    ridge = strength * tf.eye(tf.shape(features)[0], dtype=features.dtype)
    return tf.linalg.solve(kernel + ridge, members)


def logistic_weights(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """Multinomial logistic regression: the least of sum(-log p) + strength / 2 * |W|^2."""
    return tf.matmul(logistic_dual(features, members, strength), features, transpose_a=True)


def logistic_dual(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """How much of each support example is in each class's head: `(support, classes)`.

    With W = A'X, the gradient is (P - Y + strength A)'X. A Newton step needs the curvature, which
    is nowhere more than X'X / 2 + strength I, for every class. With this bound in place of the
    curvature (Boehning 1992, "Multinomial logistic regression algorithm"), a step never goes too
    far, and all steps share one Cholesky factor of the size of the support set.
    """
    shots = tf.reduce_sum(members, 0)
    kernel = tf.matmul(features, features, transpose_b=True)
    ridge = strength * tf.eye(tf.shape(features)[0], dtype=features.dtype)
    cholesky = tf.linalg.cholesky(kernel / 2 + ridge)

    def step(number: tf.Tensor, dual: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = tf.nn.softmax(without_absent(tf.matmul(kernel, dual), shots))
        error = probabilities - members + strength * dual
        return number + 1, dual - tf.linalg.cholesky_solve(cholesky, error)

    _, dual = tf.while_loop(
        lambda number, dual: number < _LOGISTIC_STEPS,
        step,
        (0, tf.zeros_like(members)),
        maximum_iterations=_LOGISTIC_STEPS,
    )
    return dual


def direction_dual(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """The share of each support example in the direction of its class: `(support, classes)`."""
    of_means = means(features, members, strength)
    lengths = tf.sqrt(tf.maximum(ordered_sum(tf.transpose(of_means**2)), LEAST_SQUARE))
    return shares(members) / lengths[tf.newaxis]


HEADS: dict[str, Callable[..., tf.Tensor]] = {
    NEAREST_MEAN: means,
    COSINE: mean_directions,
    RIDGE: ridge_weights,
    LOGISTIC: logistic_weights,
}
_DUALS = {COSINE: direction_dual, RIDGE: ridge_dual, LOGISTIC: logistic_dual}


def logits(name: str, features: tf.Tensor, head: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """The answers of a head to queries, `(queries, classes)`; the same to the bit in any company.

    Args:
        name: of the head.
        features: of the queries, `(queries, units)`, of unit length.
        head: `(classes, units)`.
        scale: of the logits; logistic regression has its own.
    """
    if name == NEAREST_MEAN:
        return -scale * squared_distances(features, head)
    products = inner_products(features, head)
    return products if name == LOGISTIC else scale * products


def head_parts(
    name: str, query: tf.Tensor, support: Features, strength: float, scale: tf.Tensor
) -> SupportParts:
    """What each support example adds to `logits`.

    Args:
        name: of the head.
        query: features of the queries, `(queries, units)`, of unit length.
        support: `(features, members)` of the support set.
        strength, scale: as of the head and of `logits`.
    """
    features, members = support
    if name == NEAREST_MEAN:
        return nearest_mean_parts(query, features, members, scale)
    dual = _DUALS[name](features, members, strength)
    return linear_parts(query, features, dual if name == LOGISTIC else scale * dual)
