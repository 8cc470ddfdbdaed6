"""A step of gradient descent, the core of most update rules."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def descended(
    weights: list[tf.Tensor], gradients: list[tf.Tensor], rates: Sequence[Any]
) -> list[tf.Tensor]:
    """The weights after one step of gradient descent; each rate is a number or a tensor."""
    steps = zip(weights, gradients, rates, strict=True)
    return [weight - rate * gradient for weight, gradient, rate in steps]
