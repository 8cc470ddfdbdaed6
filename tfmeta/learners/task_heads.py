"""Heads that learn a task from features of unit length, in a fixed number of operations.

Each is a function `(features, members, strength)` -> the head, `(classes, units)`: features
`(support, units)`, `members` as `membership` returns them, and a strength, which has a meaning for
ridge and logistic regression alone.
"""

from collections.abc import Callable
from typing import Any

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
OfWeights = Callable[[tf.Tensor], tf.Tensor]
NEAREST_MEAN, COSINE, RIDGE, LOGISTIC = "nearest-mean", "cosine", "ridge", "logistic"
STRENGTHS = {RIDGE: 0.5, LOGISTIC: 0.1}  # of those that have one, their defaults

# Enough for a strength of 0.03 or more and hundreds of examples: the logits of 500 examples of 10
# classes are then within 0.01 of the optimum's, which reach 14; of 100 examples, within 0.0003.
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
    """The ridge regression of the memberships: W = Y' (X X' + strength I)^-1 X.

    That is Y' X (X' X + strength I)^-1, which is solved where there are fewer units than examples.
    """
    if _has_few_units(features):
        products = tf.matmul(features, members, transpose_a=True)
        return tf.transpose(tf.linalg.solve(_squares(features, 1, strength), products))
    return tf.matmul(ridge_dual(features, members, strength), features, transpose_a=True)


def ridge_dual(features: tf.Tensor, members: tf.Tensor, strength: tf.Tensor | float) -> tf.Tensor:
    """How much of each support example is in each class's head: `(support, classes)`."""
    return tf.linalg.solve(_kernel(features, 1, strength), members)


def logistic_weights(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """Multinomial logistic regression: the least of sum(-log p) + strength / 2 * |W|^2.

    The gradient is X' (P - Y) + strength W'. Where there are more units than examples
    the weights are those of `logistic_dual`, whose steps are the same.
    """
    if not _has_few_units(features):
        return tf.matmul(logistic_dual(features, members, strength), features, transpose_a=True)

    def gradient(weights: tf.Tensor) -> tf.Tensor:
        error = _probabilities(tf.matmul(features, weights), members) - members
        return tf.matmul(features, error, transpose_a=True) + strength * weights

    start = tf.zeros((features.shape[1], tf.shape(members)[1]), features.dtype)
    return tf.transpose(_least(gradient, _squares(features, 2, strength), start, lambda w: w))


def logistic_dual(features: tf.Tensor, members: tf.Tensor, strength: float) -> tf.Tensor:
    """How much of each support example is in each class's head: `(support, classes)`.

    With W = A' X, the gradient is X' (P - Y + strength A).
    """
    kernel = tf.matmul(features, features, transpose_b=True)

    def gradient(dual: tf.Tensor) -> tf.Tensor:
        return _probabilities(tf.matmul(kernel, dual), members) - members + strength * dual

    start = tf.zeros_like(members)
    return _least(
        gradient, _kernel(features, 2, strength), start, lambda dual: tf.matmul(kernel, dual)
    )


def _least(
    gradient: OfWeights, curvature: tf.Tensor, start: tf.Tensor, metric: OfWeights
) -> tf.Tensor:
    """The weights that make the loss of logistic regression least.

    A Newton step needs the curvature, which is nowhere more than X' X / 2 + strength I, for every
    class. With this bound in its place (Boehning 1992, "Multinomial logistic regression
    algorithm"), a step never goes too far, and all steps share one Cholesky factor. A step is taken
    from where the last two lead (Nesterov 1983), and from where the last one ended if that led
    uphill (O'Donoghue and Candes 2015, "Adaptive restart for accelerated gradient schemes").

    Args:
        gradient: of the loss, at some weights.
        curvature: the bound.
        start: the first weights.
        metric: change of the weights -> what its product with the gradient is the slope of.
    """
    cholesky = tf.linalg.cholesky(curvature)

    def step(number: Any, weights: Any, ahead: Any, run: Any) -> tuple[Any, Any, Any, Any]:
        slope = gradient(ahead)
        after = ahead - tf.linalg.cholesky_solve(cholesky, slope)
        change = after - weights
        leads_up = tf.reduce_sum(slope * metric(change)) > 0
        run = tf.where(leads_up, tf.zeros_like(run), run) + 1
        return number + 1, after, after + (run - 1) / (run + 2) * change, run

    _, weights, _, _ = tf.while_loop(
        lambda number, *_: number < _LOGISTIC_STEPS,
        step,
        (0, start, start, tf.zeros((), start.dtype)),
        maximum_iterations=_LOGISTIC_STEPS,
    )
    return weights


def _has_few_units(features: tf.Tensor) -> bool:
    """Whether there are fewer units than examples, where the sizes are known."""
    number, units = features.shape
    return number is not None and units is not None and units < number


def _squares(features: tf.Tensor, divisor: int, strength: tf.Tensor | float) -> tf.Tensor:
    """X' X / divisor + strength I, `(units, units)`."""
    return _kernel(tf.transpose(features), divisor, strength)


def _kernel(features: tf.Tensor, divisor: int, strength: tf.Tensor | float) -> tf.Tensor:
    """X X' / divisor + strength I, `(support, support)`."""
    products = tf.matmul(features, features, transpose_b=True) / divisor
    return products + strength * tf.eye(tf.shape(features)[0], dtype=features.dtype)


def _probabilities(logits: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(without_absent(logits, tf.reduce_sum(members, 0)))


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
