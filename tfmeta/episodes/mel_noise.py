"""An augmentation of spectrograms: noise is added to the sound."""

import math
from typing import Any

import keras
from keras import ops

_DECIBELS = math.log(10) / 10  # of a factor, in natural logarithms
_SMALLEST = 1e-7  # a uniform draw that a logarithm is taken of


@keras.saving.register_keras_serializable("tfmeta")
class MelNoise(keras.layers.Layer):
    """Adds the power of white noise to log-mels.

    The power of noise in a band has an exponential distribution, for it is the square of a complex
    normal number. Each example draws the noise's level.

    Args:
        quietest, loudest: the levels between which the noise's is drawn, in decibels below the
            loudest band of the sound.
        range_db: as the pipeline's option.
        value_range: the numbers that stand for silence and for the loudest band; those of the
            source by default.
        **options: of a Keras layer.

    Raises:
        ValueError: if the levels are not in order.
    """

    def __init__(
        self,
        quietest: float = 60.0,
        loudest: float = 20.0,
        range_db: float = 60.0,
        value_range: Any = (-60.0, 0.0),
        **options: Any,
    ):
        super().__init__(**options)
        if not 0 <= loudest <= quietest:
            raise ValueError(
                f"received noise from {quietest} to {loudest} dB below the loudest band; expected "
                "0 <= loudest <= quietest"
            )
        self.quietest, self.loudest = quietest, loudest
        self.least, self.most = value_range
        self.per_unit = range_db / (self.most - self.least)  # decibels
        self.draws = keras.random.SeedGenerator()

    def call(self, x: Any, training: bool = False) -> Any:
        """Log-mels `(batch, frames, mels, 1)` -> the same shape."""
        if not training:
            return x
        level = keras.random.uniform(
            (ops.shape(x)[0], 1, 1, 1), -self.quietest, -self.loudest, seed=self.draws
        )
        uniform = keras.random.uniform(ops.shape(x), _SMALLEST, 1.0, seed=self.draws)
        noise = -ops.log(uniform) * ops.exp(_DECIBELS * level)
        power = ops.exp(_DECIBELS * self.per_unit * (x - self.most)) + noise
        return self.most + ops.log(power) / (_DECIBELS * self.per_unit)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
