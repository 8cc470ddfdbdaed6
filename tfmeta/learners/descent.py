"""A step of gradient descent, the core of most update rules."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def checked_rate(inner_learning_rate: float) -> float:
    """Raises ValueError if the rate of an inner loop is not positive."""
    if not inner_learning_rate > 0:
        raise ValueError(
            f"received inner_learning_rate={inner_learning_rate!r}; expected a positive number"
        )
    return inner_learning_rate


def descended(
    weights: list[tf.Tensor], gradients: list[tf.Tensor], rates: Sequence[Any]
) -> list[tf.Tensor]:
    """The weights after one step of gradient descent; each rate is a number or a tensor."""
    steps = zip(weights, gradients, rates, strict=True)
    return [weight - rate * gradient for weight, gradient, rate in steps]
