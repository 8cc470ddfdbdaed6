"""Rows of a table as points of a sphere."""

from typing import Any

import keras
from keras import layers, ops

_FARTHEST = 1e6  # radii, whose squares float32 has room for


@keras.saving.register_keras_serializable("tfmeta")
class OnSphere(layers.Layer):
    """Rows x `(batch, columns)` become points of a sphere, by stereographic projection.

    With r = |x| / radius, a point is (2 x / radius, r^2 - 1) / (r^2 + 1): the mean is at one pole,
    rows as far from it as the radius are on the equator, and what is far from all rows that were
    seen is near the other pole, far from all their points.

    Args:
        radius: such as the root of the number of columns, where most rows are near the equator.
    """

    def __init__(self, radius: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.radius = radius

    def call(self, x: Any) -> Any:
        """`(batch, columns)` -> `(batch, columns + 1)`."""
        x = ops.clip(x / self.radius, -_FARTHEST, _FARTHEST)
        square = ops.sum(ops.square(x), -1, keepdims=True)
        return ops.concatenate([2 * x, square - 1], -1) / (square + 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[1] + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius}
