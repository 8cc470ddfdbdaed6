"""Convolutions over time, for windows of sensor data."""

from collections.abc import Sequence

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.scaled_input import window_input


def conv1d(
    input_shape: tuple[int, ...] = (128, 6),
    num_outputs: int | None = 5,
    *,
    filters: Sequence[int] = (64, 64, 64),
    kernels: Sequence[int] = (8, 5, 3),
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """Blocks of convolution over time, normalisation and ReLU, and their mean over the window.

    The fully convolutional network of Wang, Yan and Oates 2017 (https://arxiv.org/abs/1611.06455),
    with fewer filters.

    Args:
        input_shape: `(time, channels)` of one window.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        filters: of each block's convolution.
        kernels: steps of time that each convolution sees at once, as many as `filters`.
        input_mean, input_scale, input_dtype: as in `mlp`, of each step and channel; each channel is
            centred and scaled as a whole.

    Returns:
        A model `(batch, time, channels) -> (batch, num_outputs)`, without a head
        `(batch, filters[-1])`.

    Raises:
        ValueError: if an example is no window, or there are not as many kernels as filters.

    Example:

    >>> conv1d((50, 3), num_outputs=5).output_shape
    (None, 5)
    """
    if len(filters) != len(kernels):
        raise ValueError(
            f"received {len(filters)} filters and {len(kernels)} kernels; expected as many of one "
            "as of the other"
        )
    inputs, x = window_input(input_shape, input_mean, input_scale, input_dtype)
    for number, (size, kernel) in enumerate(zip(filters, kernels, strict=True), 1):
        x = layers.Conv1D(size, kernel, padding="same", name=f"convolution{number}")(x)
        x = layers.BatchNormalization(name=f"normalisation{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="conv1d")
