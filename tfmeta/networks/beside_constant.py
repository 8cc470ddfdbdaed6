"""A constant beside features."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfmeta")
class BesideConstant(layers.Layer):
    """Features `(batch, features)` with a constant after the last one.

    `ridge` and `transfer` bring features to unit length and have no intercept: of a few columns of
    a table they would see the direction alone, and rows that are twice as far from the mean would
    be the same to them. With the constant no two rows have one direction, and its weight is the
    intercept. A row that is far from the mean is far from all rows near it, if the constant is as
    large as rows are long.

    Args:
        constant: the number.
    """

    def __init__(self, constant: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.constant = constant

    def call(self, x: Any) -> Any:
        return ops.concatenate([x, ops.full_like(x[:, :1], self.constant)], -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[1] + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "constant": self.constant}
