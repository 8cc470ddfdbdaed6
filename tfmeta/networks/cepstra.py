"""Features of a sound that need no training: how its spectrum sounds in each part of it."""

from typing import Any

import keras
from keras import layers, ops

from tfmeta.networks.heard_frames import (
    cepstra_of,
    deviation_of,
    heard_frames,
    means_of_parts,
)
from tfmeta.networks.input_dtypes import full_dtype

_HEARD = 0.75  # of a sound's range from its loudest band down: 45 of 60 decibels


@keras.saving.register_keras_serializable("tfmeta")
class CepstralParts(layers.Layer):
    """Means of cepstral coefficients in each part of a sound, and their deviations in all of it.

    Only frames that are heard count, and the parts divide these into equal times, so that silence
    around a sound and its speed don't count. See `cepstra_of`.

    Args:
        coefficients: number of coefficients.
        parts: number of parts; each blends into the next one.
        **options: of a Keras layer.
    """

    def __init__(self, coefficients: int = 12, parts: int = 4, **options: Any):
        super().__init__(**options)
        self.coefficients, self.parts = coefficients, parts

    def call(self, x: Any) -> Any:
        """Log-mels `(batch, frames, mels, 1)` -> `(batch, (parts + 1) * coefficients)`."""
        is_heard = heard_frames(x[..., 0], share=_HEARD)
        frames = cepstra_of(x[..., 0], self.coefficients)
        means = means_of_parts(frames, is_heard, self.parts)
        return ops.concatenate([*means, deviation_of(frames, is_heard)], -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], (self.parts + 1) * self.coefficients)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "coefficients": self.coefficients, "parts": self.parts}


def cepstra(
    input_shape: tuple[int, ...] = (98, 40, 1),
    num_outputs: int | None = None,
    *,
    coefficients: int = 12,
    parts: int = 4,
) -> keras.Model:
    """Cepstral coefficients of each part of a sound, which nothing trains.

    Args:
        input_shape: `(frames, mels, 1)`.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        coefficients, parts: see `CepstralParts`.

    Returns:
        A model `(batch, frames, mels, 1) -> (batch, num_outputs)`, without a head
        `(batch, (parts + 1) * coefficients)`.

    Raises:
        ValueError: if the input is no spectrogram, or there are more coefficients than bands.

    Example:

    >>> cepstra((98, 40, 1)).output_shape
    (None, 60)
    """
    if len(input_shape) != 3 or input_shape[-1] != 1:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; cepstra takes (frames, mels, 1), "
            "the spectrograms of sounds"
        )
    if not 1 <= coefficients < input_shape[1] or parts < 1:
        raise ValueError(
            f"received coefficients={coefficients} and parts={parts} for {input_shape[1]} bands; "
            "expected fewer coefficients than bands, and one or more of each"
        )
    inputs = keras.Input(tuple(input_shape), name="log_mels")
    x = CepstralParts(coefficients, parts, name="parts", **full_dtype())(inputs)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="cepstra")
