"""The unit in which values are learned: an inner step grows with the square of their scale.

A user's targets and answers are in the user's unit everywhere. The network's outputs and the loss
are in another unit: the targets of the training tasks are centred and divided by their spread.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf


class TargetScale:
    """Converts a network's outputs into values in the user's unit, and values into targets.

    Without a centre and a spread it changes nothing.

    Args:
        centre: what is subtracted from the targets; a number, or one number per output. None is 0.
        spread: what they are then divided by; a number, or one number per output. None is 1.

    Raises:
        ValueError: if a number is not finite, or a spread not positive.
    """

    def __init__(self, centre: Any = None, spread: Any = None):
        self.is_set = centre is not None or spread is not None
        self._centre = _numbers("target_centre", 0.0 if centre is None else centre)
        self._spread = _numbers("target_spread", 1.0 if spread is None else spread)
        if not (self._spread > 0).all():
            raise ValueError(
                f"received target_spread={self._spread.tolist()}; expected positive numbers"
            )
        self._given = (centre, spread)

    def check_outputs(self, num_outputs: int | None) -> None:
        """Raises ValueError if there are not as many numbers as outputs."""
        for name, values in (("target_centre", self._centre), ("target_spread", self._spread)):
            if values.ndim and num_outputs is not None and len(values) != num_outputs:
                raise ValueError(
                    f"received {name} with {len(values)} numbers; expected one, or {num_outputs}, "
                    "one for each output"
                )

    def scaled(self, values: Any) -> tf.Tensor:
        """Values `(..., outputs)` in the user's unit -> in the network's unit."""
        if not self.is_set:
            return values
        values = _wide(values)
        return (values - self._as(self._centre, values)) / self._as(self._spread, values)

    def restored(self, outputs: tf.Tensor) -> tf.Tensor:
        """Outputs `(..., outputs)` of the network -> values in the user's unit."""
        if not self.is_set:
            return outputs
        outputs = _wide(outputs)
        return outputs * self._as(self._spread, outputs) + self._as(self._centre, outputs)

    def restored_difference(self, outputs: tf.Tensor) -> tf.Tensor:
        """Differences `(..., outputs)` in the network's unit -> in the user's unit."""
        if not self.is_set:
            return outputs
        outputs = _wide(outputs)
        return outputs * self._as(self._spread, outputs)

    def restored_variance(self, variance: tf.Tensor) -> tf.Tensor:
        """Variances `(..., outputs)` in the network's unit -> in the square of the user's unit."""
        if not self.is_set:
            return variance
        variance = _wide(variance)
        return variance * self._as(self._spread, variance) ** 2

    def squared_error(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The squared error in the network's unit, averaged over the outputs: `(...)`."""
        error = _wide(y) - _wide(outputs)
        return tf.reduce_mean((error / self._as(self._spread, error)) ** 2, -1)

    @staticmethod
    def _as(numbers: Any, like: Any) -> tf.Tensor:
        return tf.constant(numbers, like.dtype)

    def get_config(self) -> dict[str, Any]:
        """The learner's constructor arguments."""
        return dict(zip(("target_centre", "target_spread"), self._given, strict=True))


def _wide(values: Any) -> Any:
    """Values as float32, because half precision might not hold a user's unit."""
    values = tf.convert_to_tensor(values)
    return tf.cast(values, tf.float32) if values.dtype.size < 4 else values


def _numbers(name: str, values: Any) -> Any:
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        numbers = np.array(math.nan)
    if numbers.ndim > 1 or not np.isfinite(numbers).all():
        raise ValueError(
            f"received {name}={values!r}; expected a finite number, or one for each output"
        )
    return numbers
