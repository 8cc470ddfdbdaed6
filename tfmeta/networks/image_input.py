"""Where a network of photographs begins and ends: it takes any image in [0, 1]."""

from typing import Any

import keras
from keras import layers

from tfmeta.networks.resized_images import ResizedImages


def image_input(input_shape: tuple[int, ...], size: int, *, network: str) -> tuple[Any, Any]:
    """An input of images, and what becomes of them: `(size, size, 3)`, still in [0, 1].

    Args:
        input_shape: `(height, width, channels)`, 1 or 3 channels.
        size: pixels of each side that the network is to see.
        network: its name, for the refusal.

    Returns:
        `(inputs, images)`, both of them Keras tensors.

    Raises:
        ValueError: if the input is no image of a fixed size, or `size` is not positive.
    """
    is_image = len(input_shape) == 3 and None not in input_shape and input_shape[-1] in (1, 3)
    if not is_image:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; {network} takes images of shape "
            "(height, width, 1 or 3)"
        )
    if size < 1:
        raise ValueError(f"received size={size}; expected a positive number of pixels")
    inputs = x = keras.Input(tuple(input_shape), name="image")
    # In float32, whatever the network computes in: bfloat16 would round pixels to 8 bits.
    if tuple(input_shape[:2]) != (size, size):
        x = ResizedImages(size, name="resized", dtype="float32")(x)
    if input_shape[-1] == 1:
        x = layers.Concatenate(name="three_channels", dtype="float32")([x, x, x])
    return inputs, x


def with_head(features: Any, num_outputs: int | None) -> Any:
    """The features as they are, or a dense layer on them."""
    if num_outputs is None:
        return features
    # It starts near zero, as the head of conv4 does.
    small = keras.initializers.RandomNormal(stddev=0.05)
    return layers.Dense(num_outputs, kernel_initializer=small, name="head")(features)
