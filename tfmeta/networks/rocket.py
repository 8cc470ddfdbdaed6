"""Windows of sensor data as a linear head learns them: features that no gradient trains."""

import math

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.centred_features import CentredFeatures
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.mini_rocket import MiniRocket
from tfmeta.networks.scaled_input import window_input
from tfmeta.networks.window_figures import WindowFigures


def rocket(
    input_shape: tuple[int, ...] = (128, 6),
    num_outputs: int | None = 5,
    *,
    thresholds: int = 12,
    figures: float = 0.5,
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """Shares of a window in which fixed convolutions are high, and figures of its channels.

    Its layers take their thresholds and scales from windows, see `fit_layers`, which `tfmeta train`
    calls with those of training.

    Args:
        input_shape: `(time, channels)` of one window, of nine steps or more.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        thresholds: of each of 84 convolutions; see `MiniRocket`.
        figures: length of the figures, where the shares are of length one; see `WindowFigures`.
        input_mean, input_scale, input_dtype: as in `conv1d`.

    Returns:
        A model `(batch, time, channels) -> (batch, num_outputs)`, without a head
        `(batch, 84 * thresholds + figures of the channels)`.

    Raises:
        ValueError: if an example is no window, or a number makes no sense.

    Example:

    >>> rocket((50, 3), None).output_shape
    (None, 1047)
    """
    if not (figures >= 0 and math.isfinite(figures)):
        raise ValueError(f"received figures={figures}; expected a finite number, 0 or more")
    full = full_dtype()
    inputs, x = window_input(input_shape, input_mean, input_scale, input_dtype)
    shares = MiniRocket(thresholds, name="mini_rocket", **full)(x)
    shares = CentredFeatures(name="centred", **full)(shares)
    beside = WindowFigures(name="figures", **full)(x)
    parts = [
        layers.Rescaling(length * each.shape[-1] ** -0.5, name=name, **full)(each)
        for name, length, each in (("shares", 1.0, shares), ("figures_as_long", figures, beside))
    ]
    x = layers.Concatenate(name="beside_each_other", **full)(parts)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="rocket")
