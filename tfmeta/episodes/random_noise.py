"""An augmentation of pictures and numbers: noise of a deviation that each example draws."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfmeta")
class RandomNoise(keras.layers.Layer):
    """Adds Gaussian noise whose deviation is drawn evenly for each example, from none to the most.

    Keras's `GaussianNoise` has one deviation for all examples, so that a network never sees a clean
    one.

    Args:
        most: the largest deviation, as a share of the examples' range.
        value_range: of the examples; those of the source by default.
        **options: of a Keras layer.

    Raises:
        ValueError: if `most` is not above 0.
    """

    def __init__(self, most: float = 0.3, value_range: Any = (0.0, 1.0), **options: Any):
        super().__init__(**options)
        if not most > 0:
            raise ValueError(f"received most={most}; expected a share above 0")
        self.most = most * (value_range[1] - value_range[0])
        self.draws = keras.random.SeedGenerator()

    def call(self, x: Any, training: bool = False) -> Any:
        """Examples `(batch, ...)` -> the same shape."""
        if not training:
            return x
        each = (ops.shape(x)[0], *([1] * (len(x.shape) - 1)))
        deviation = keras.random.uniform(each, 0.0, self.most, seed=self.draws)
        return x + deviation * keras.random.normal(ops.shape(x), seed=self.draws)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
