"""A few pixels of an image beside a network's features of it."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tfmeta.networks.input_dtypes import full_dtype

SIDE = 8
_SMALLEST = 1e-12  # a sum that is divided by


@keras.saving.register_keras_serializable("tfmeta")
class BesidePixels(layers.Layer):
    """Features, and the image averaged down to 8 x 8 pixels, at weights that roots of them keep.

    What a network learned of photographs may lose what tells drawings or digits apart, and their
    pixels have it. Features are divided by the sum of their sizes, the squares of the pixels by
    their sum. So the square roots that `feature_map` takes have the lengths 1 and `weight`.

    Args:
        weight: of the pixels, where that of the features is 1.
    """

    def __init__(self, weight: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, inputs: Any) -> Any:
        """`[(batch, features), (batch, height, width, channels)]` -> `(batch, all of them)`."""
        features, images = inputs
        rows, columns = (_averages(size, images.dtype) for size in images.shape[1:3])
        small = ops.einsum("ih,bhwc,jw->bijc", rows, images, columns)
        squares = ops.square(ops.reshape(small, (-1, SIDE * SIDE * images.shape[-1])))
        parts = [_of_sum_one(features), self.weight**2 * _of_sum_one(squares)]
        return ops.concatenate([ops.cast(part, features.dtype) for part in parts], -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        features, images = input_shape
        return (features[0], features[1] + SIDE * SIDE * images[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


def beside_pixels(network: keras.Model, weight: float) -> keras.Model:
    """A network whose features have pixels of its input beside them.

    Args:
        network: `(batch, height, width, channels) -> (batch, features)`.
        weight: see `BesidePixels`; 0 is the network as it is.
    """
    if not weight:
        return network
    outputs = BesidePixels(weight, name="beside_pixels", **full_dtype())(
        [network.output, network.input]
    )
    return keras.Model(network.input, outputs, name=network.name)


def _averages(size: int, dtype: Any) -> Any:
    """`(SIDE, size)`: the share of each pixel in each average along one side."""
    edges = np.linspace(0, size, SIDE + 1)
    starts, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixels = np.arange(size)
    overlap = np.minimum(ends, pixels + 1) - np.maximum(starts, pixels)
    return ops.convert_to_tensor(np.maximum(overlap, 0) * SIDE / size, dtype)


def _of_sum_one(values: Any) -> Any:
    return values / (ops.sum(ops.abs(values), -1, keepdims=True) + _SMALLEST)
