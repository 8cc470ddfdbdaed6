"""The last layer of a policy: the mean of its actions, and how far they scatter."""

import math
from collections.abc import Sequence
from math import isfinite
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfmeta")
class GaussianHead(keras.layers.Layer):
    """Means that are linear in its input, and logarithms of deviations that do not depend on it.

    One layer, so that an inner loop that adapts the head alone adapts both.

    Args:
        action_size: numbers in an action.
        initial_deviation: of each, before training, in the unit of `scale`.
        centre, scale: of the actions, one number each; the weights are of actions that were
            centred and divided by the scale. None for 0 and 1.

    Raises:
        ValueError: if the size is no whole number from 1, the deviation or a scale is not positive,
            or there is another number of centres or scales.
    """

    def __init__(
        self,
        action_size: int,
        *,
        initial_deviation: float = 1.0,
        centre: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        **kwargs: Any,
    ):
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
        self.centre, self.scale = ([float(v) for v in n] if n else None for n in (centre, scale))
        for name, numbers in (("centre", self.centre), ("scale", self.scale)):
            if numbers is not None and (
                len(numbers) != action_size or not all(map(isfinite, numbers))
            ):
                raise ValueError(
                    f"received {name}={numbers}; expected {action_size} finite numbers, one for "
                    "each of an action"
                )
        if min(self.scale or [1.0]) <= 0:
            raise ValueError(f"received scale={self.scale}; expected positive numbers")

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
        log_deviation = ops.zeros_like(mean) + self.log_deviation
        if self.scale is not None:
            mean = mean * ops.cast(self.scale, mean.dtype)
            log_deviation += ops.cast([math.log(each) for each in self.scale], mean.dtype)
        if self.centre is not None:
            mean += ops.cast(self.centre, mean.dtype)
        # Concatenated, its second derivative under XLA would be a loop over the tasks.
        both = ops.stack([mean, log_deviation], axis=-2)
        return ops.reshape(both, (-1, *x.shape[1:-1], 2 * self.action_size))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 2 * self.action_size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "action_size": self.action_size,
            "initial_deviation": self.initial_deviation,
            "centre": self.centre,
            "scale": self.scale,
        }
