"""Features of a sound that need no training: how its spectrum sounds in each part of it."""

from typing import Any

import keras
import numpy as np
import scipy.fft
from keras import layers, ops

from tfmeta.networks.input_dtypes import full_dtype

_HEARD = 0.75  # of a sound's range from its loudest band down: 45 of 60 decibels


@keras.saving.register_keras_serializable("tfmeta")
class CepstralParts(layers.Layer):
    """Means of cepstral coefficients in each part of a sound, and their deviations in all of it.

    Coefficients (MFCCs; Davis and Mermelstein 1980) are the cosine transform of a frame's log-mels.
    The first, the loudness, is left out. Only frames that are heard count, and the parts divide
    these into equal times, so that silence around a sound and its speed don't count.

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
        x = x[..., 0]
        cosines = scipy.fft.dct(np.eye(x.shape[-1]), axis=-1, norm="ortho")
        cosines = cosines[:, 1 : self.coefficients + 1].astype(np.float32)
        # No cosine sees how loud a frame is. Without that a silent one is 0, not a rounding error.
        level = ops.max(x, -1, keepdims=True)
        frames = ops.matmul(x - level, ops.cast(cosines, x.dtype))
        is_heard = _heard(x)
        total = ops.sum(is_heard, 1, keepdims=True)
        place = (ops.cumsum(is_heard, 1) - 0.5 * is_heard) / total
        means = []
        for part in range(self.parts):
            away = ops.abs(place - (part + 0.5) / self.parts) * self.parts
            # A sound of fewer frames than parts may have none in this one: then all of it counts.
            weights = is_heard * (ops.maximum(1.0 - away, 0.0) + 1e-3)
            means.append(_mean(frames, weights))
        mean = _mean(frames, is_heard)
        variance = _mean(ops.square(frames - mean[:, None]), is_heard)
        return ops.concatenate([*means, _root(variance)], -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], (self.parts + 1) * self.coefficients)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "coefficients": self.coefficients, "parts": self.parts}


def _heard(x: Any) -> Any:
    """1 for frames that are heard and 0 for others: `(batch, frames, mels)` -> `(batch, frames)`.

    At least the loudest one is heard.
    """
    loudness = ops.max(x, -1)
    highest = ops.max(loudness, 1, keepdims=True)
    lowest = ops.min(ops.min(x, -1), 1, keepdims=True)
    return ops.cast(loudness >= highest - _HEARD * (highest - lowest), x.dtype)


def _root(x: Any) -> Any:
    """The square root; the derivative at 0 is 0, and not infinite."""
    is_zero = ops.equal(x, 0.0)
    return ops.where(is_zero, x, ops.sqrt(ops.where(is_zero, ops.ones_like(x), x)))


def _mean(frames: Any, weights: Any) -> Any:
    """The weighted mean over time, `(batch, coefficients)`."""
    shares = weights / ops.sum(weights, 1, keepdims=True)
    return ops.sum(frames * shares[..., None], 1)


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
