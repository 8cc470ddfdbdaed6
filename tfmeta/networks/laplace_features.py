"""Random features whose inner products are a kernel of how alike two rows are."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

# Frequencies of a Cauchy distribution have no bound, but beyond this one float32 has no digits of
# the angle left, and its cosines are noise in any case.
_HIGHEST = 100.0


@keras.saving.register_keras_serializable("tfmeta")
class LaplaceFeatures(layers.Layer):
    """Rows x of K columns become vectors whose inner products are near exp(-|x - x'|_1 / K).

    The vectors are the cosines and sines of x W, divided by the root of their number; the
    frequencies W are drawn from the Cauchy distribution of scale 1 / K (Rahimi and Recht 2007,
    "Random features for large-scale kernel machines", figure 1). Of vectors with n numbers
    the inner products are off by about 1 / sqrt(n).

    Unlike the Gaussian kernel, this one has a kink where two rows meet, so that a linear function
    of the features can be as abrupt as a tree's: a threshold in one column among many.

    Args:
        number: of the features, an even one.
        columns: K; None for as many as a row has. Fewer if others are constant.
        seed: of the draw.

    Raises:
        ValueError: if the number is odd or not positive.
    """

    def __init__(self, number: int, columns: int | None = None, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        if number < 2 or number % 2:
            raise ValueError(f"received number={number!r}; expected an even one, from 2 up")
        self.number, self.columns, self.seed = number, columns, seed

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        draw = np.random.default_rng(self.seed).standard_cauchy((size, self.number // 2))
        frequencies = np.clip(draw / (self.columns or size), -_HIGHEST, _HIGHEST)
        self.frequencies = self.add_weight(
            shape=frequencies.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(frequencies, dtype),
            trainable=False,
            name="frequencies",
        )
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, columns)` -> `(batch, number)`, of length one."""
        angles = ops.matmul(x, self.frequencies)
        waves = ops.concatenate([ops.cos(angles), ops.sin(angles)], -1)
        return waves / (self.number // 2) ** 0.5

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.number)

    def get_config(self) -> dict[str, Any]:
        config = {"number": self.number, "columns": self.columns, "seed": self.seed}
        return {**super().get_config(), **config}
