"""A recurrent network, for windows of sensor data."""

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.scaled_input import window_input


def recurrent(
    input_shape: tuple[int, ...] = (128, 6),
    num_outputs: int | None = 5,
    *,
    units: int = 32,
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """Gated recurrent units that read a window forwards and backwards (Cho et al. 2014).

    Args:
        input_shape: `(time, channels)` of one window.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        units: of the layer in each direction.
        input_mean, input_scale, input_dtype: as in `conv1d`.

    Returns:
        A model `(batch, time, channels) -> (batch, num_outputs)`, without a head
        `(batch, 2 * units)`.

    Raises:
        ValueError: if an example is no window.

    Example:

    >>> recurrent((50, 3), num_outputs=5).output_shape
    (None, 5)
    """
    inputs, x = window_input(input_shape, input_mean, input_scale, input_dtype)
    # A loop in the graph: unrolled, an export of 16 steps takes three times as long to make.
    x = layers.Bidirectional(layers.GRU(units, name="gru"), name="both_ways")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="recurrent")
