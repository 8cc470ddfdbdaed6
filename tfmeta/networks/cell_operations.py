"""The operations of a cell: those of DARTS (Liu et al. 2019, section 3.1)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import layers

from tfmeta.networks.mixed_operation import NONE

# An operation: `(x, channels, name, affine)` -> `(batch, height, width, channels)`. `affine` says
# whether its normalisation is scaled and shifted: not in a search, where that would undo shares.
Operation = Callable[[Any, int, str, bool], Any]


def _identity(x: Any, channels: int, name: str, affine: bool) -> Any:
    return layers.Identity(name=name)(x)


def _pooled(kind: Any, x: Any, channels: int, name: str, affine: bool) -> Any:
    x = kind(3, strides=1, padding="same", name=f"{name}_pool")(x)
    return _normalised(x, name, affine)


def _convolved(size: int, dilation: int, x: Any, channels: int, name: str, affine: bool) -> Any:
    """ReLU, a convolution of each channel, one of all channels at each position, normalisation."""
    x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.DepthwiseConv2D(
        size, padding="same", dilation_rate=dilation, use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return _normalised(x, name, affine)


def _normalised(x: Any, name: str, affine: bool) -> Any:
    return layers.BatchNormalization(center=affine, scale=affine, name=f"{name}_norm")(x)


OPERATIONS: dict[str, Operation | None] = {
    NONE: None,
    "identity": _identity,
    "max_pool_3x3": partial(_pooled, layers.MaxPooling2D),
    "avg_pool_3x3": partial(_pooled, layers.AveragePooling2D),
    "sep_conv_3x3": partial(_convolved, 3, 1),
    "sep_conv_5x5": partial(_convolved, 5, 1),
    "dil_conv_3x3": partial(_convolved, 3, 2),
    "dil_conv_5x5": partial(_convolved, 5, 2),
}
