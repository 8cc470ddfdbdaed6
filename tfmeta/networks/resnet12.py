"""The residual network of the few-shot papers."""

from typing import Any

import keras
from keras import layers

from tfmeta.networks.drop_block import DropBlock
from tfmeta.networks.image_input import with_head

_FILTERS = (64, 160, 320, 640)
_SMALLEST_SIDE = 2 ** len(_FILTERS)  # each block halves it


def resnet12(
    input_shape: tuple[int, ...] = (84, 84, 3),
    num_outputs: int | None = 5,
    *,
    narrow: bool = False,
    drop_rate: float = 0.0,
    block_size: int = 5,
) -> keras.Model:
    """Four residual blocks of three 3x3 convolutions, their mean over the positions, a dense head.

    The network of Oreshkin et al. 2018 (https://arxiv.org/abs/1805.10123), as wide as that of Lee
    et al. 2019 (https://arxiv.org/abs/1904.03758): 64, 160, 320 and 640 filters. Each convolution
    has batch normalisation and a leaky ReLU of slope 0.1, the shortcut a 1x1 convolution, and each
    block ends with 2x2 max-pooling. Lee et al. train it with dropout after the first two blocks and
    DropBlock after the others: `drop_rate=0.1`, for images of 32 pixels with `block_size=2`.

    Args:
        input_shape: `(height, width, channels)`, 16 pixels or more on each side.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features, 640 of them.
        narrow: half as many filters everywhere (32, 80, 160 and 320), for a quarter of the time.
        drop_rate: share of each block's outputs that training drops; 0 drops none.
        block_size: positions on each side of a square of DropBlock.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, or too small a one.

    Example:

    >>> resnet12((32, 32, 3), num_outputs=None, narrow=True).output_shape
    (None, 320)
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; resnet12 takes (height, width, channels). "
            "For vectors use networks.mlp"
        )
    if any(side is not None and side < _SMALLEST_SIDE for side in input_shape[:2]):
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; resnet12 takes images of "
            f"{_SMALLEST_SIDE} pixels or more on each side. For smaller ones use networks.conv4"
        )
    inputs = x = keras.Input(tuple(input_shape), name="image")
    for number, filters in enumerate(_FILTERS, 1):
        x = _block(x, filters // 2 if narrow else filters, f"block{number}")
        if drop_rate and number <= 2:
            x = layers.Dropout(drop_rate, name=f"block{number}_drop")(x)
        elif drop_rate:
            x = DropBlock(drop_rate, block_size, name=f"block{number}_drop")(x)
    features = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, with_head(features, num_outputs), name="resnet12")


def _block(x: Any, filters: int, name: str) -> Any:
    shortcut = _convolution(x, filters, 1, f"{name}_shortcut")
    for number in (1, 2, 3):
        x = _convolution(x, filters, 3, f"{name}_conv{number}")
        if number == 3:
            x = layers.Add(name=f"{name}_add")([x, shortcut])
        x = layers.LeakyReLU(negative_slope=0.1, name=f"{name}_relu{number}")(x)
    return layers.MaxPooling2D(name=f"{name}_pool")(x)


def _convolution(x: Any, filters: int, size: int, name: str) -> Any:
    # No bias: the normalisation that follows would cancel it.
    x = layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)
