"""A constant beside a network's features."""

from typing import Any

import keras
from keras import layers, ops

from tfmeta.networks.input_dtypes import full_dtype


@keras.saving.register_keras_serializable("tfmeta")
class BesideOne(layers.Layer):
    """Features `(batch, features)` with a 1 after the last one.

    `ridge` and `transfer` bring features to unit length and have no intercept: of a few columns of
    a table they would see the direction alone, and rows that are twice as far from the mean would
    be the same to them. With the 1 no two rows have one direction, and its weight is the intercept.
    """

    def call(self, x: Any) -> Any:
        return ops.concatenate([x, ops.ones_like(x[:, :1])], -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[1] + 1)


def beside_one(network: keras.Model) -> keras.Model:
    """A network whose features have a 1 beside them.

    Args:
        network: `(batch, ...) -> (batch, features)`.
    """
    outputs = BesideOne(name="beside_one", **full_dtype())(network.output)
    return keras.Model(network.input, outputs, name=network.name)
