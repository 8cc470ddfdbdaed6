"""Learned vectors of the positions of a text."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfmeta")
class AddPositions(layers.Layer):
    """Adds a learned vector for each position of a text.

    Args:
        longest: positions there are.
    """

    def __init__(self, longest: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.longest = longest

    def build(self, input_shape: Any) -> None:
        shape = (self.longest, input_shape[-1])
        self.positions = self.add_weight(shape=shape, initializer="zeros", name="positions")
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, length, size)` -> the same shape."""
        return x + self.positions[: ops.shape(x)[1]]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "longest": self.longest}
