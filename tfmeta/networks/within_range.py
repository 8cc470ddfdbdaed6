"""Columns that end not far beyond what was seen of them."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

_FARTHEST = 1e6  # whose square, and that times a variance, are numbers in float32


@keras.saving.register_keras_serializable("tfmeta")
class WithinRange(layers.Layer):
    """Numbers of columns as they are, or the farthest allowed beyond those that were seen.

    A line through rows that lie together says nothing of one that lies far away, and would answer
    with a value that is as far from all values. Before `fit`, numbers are as they are.

    Args:
        margin: how far beyond the least and the greatest number, as a share of their
            difference.
    """

    def __init__(self, margin: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.margin = margin

    def build(self, input_shape: Any) -> None:
        shape = input_shape[-1:]
        least, greatest = (keras.initializers.Constant(each) for each in (-np.inf, np.inf))
        self.least = self.add_weight(shape, least, trainable=False, name="least")
        self.greatest = self.add_weight(shape, greatest, trainable=False, name="greatest")
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, columns)` -> the same shape."""
        return ops.clip(x, self.least, self.greatest)

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Takes the ranges from examples `(examples, columns)`."""
        beyond = self.margin * np.ptp(x, 0)
        self.least.assign(x.min(0) - beyond)
        self.greatest.assign(x.max(0) + beyond)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("tfmeta")
class BeyondRange(layers.Layer):
    """How far numbers of columns are beyond where `WithinRange` ends them, as one distance.

    It is 0 for what was learned, so that a regression with a prior learns no weight of it: answers
    stay as they are, and their variance grows by the square of the distance.
    """

    def call(self, x: Any) -> Any:
        """`(batch, columns)` twice, as they are and within their range -> `(batch, 1)`."""
        numbers, within = x
        # Each is bounded first, so that no square overflows.
        beyond = ops.minimum(ops.abs(numbers - within), _FARTHEST)
        distance = ops.sqrt(ops.sum(ops.square(beyond), -1, keepdims=True))
        return ops.minimum(distance, _FARTHEST)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[0][:-1], 1)
