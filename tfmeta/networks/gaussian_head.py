"""The last layer of a policy: the mean of its actions, and how far they scatter."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfmeta")
class GaussianHead(keras.layers.Layer):
    """Means that are linear in its input, and logarithms of deviations that do not depend on it.

    One layer, so that an inner loop that adapts the head alone adapts both.

    Args:
        action_size: numbers in an action.
        initial_deviation: of each, before training.

    Raises:
        ValueError: if the size is no whole number from 1, or the deviation is not positive.
    """

    def __init__(self, action_size: int, *, initial_deviation: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(action_size, int) or isinstance(action_size, bool) or action_size < 1:
            raise ValueError(
                f"received action_size={action_size!r}; expected a whole number from 1"
            )
        is_number = isinstance(initial_deviation, int | float)
        if not is_number or not 0 < initial_deviation < math.inf:
            raise ValueError(
                f"received initial_deviation={initial_deviation!r}; expected a positive number"
            )
        self.action_size, self.initial_deviation = action_size, initial_deviation

    def build(self, input_shape: Any) -> None:
        size, start = self.action_size, math.log(self.initial_deviation)
        kernel = {"initializer": "glorot_uniform", "name": "kernel"}
        self.kernel = self.add_weight(shape=(input_shape[-1], size), **kernel)
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")
        constant = keras.initializers.Constant(start)
        self.log_deviation = self.add_weight(
            shape=(size,), initializer=constant, name="log_deviation"
        )
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, features)` -> `(batch, 2 * action_size)`: means, then log deviations."""
        mean = ops.matmul(x, self.kernel) + self.bias
        return ops.concatenate([mean, ops.zeros_like(mean) + self.log_deviation], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 2 * self.action_size)

    def get_config(self) -> dict[str, Any]:
        own = {"action_size": self.action_size, "initial_deviation": self.initial_deviation}
        return {**super().get_config(), **own}
