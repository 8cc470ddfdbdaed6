"""The networks with which a hypernetwork summarises a support set and writes weights."""

import math

import keras
import tensorflow as tf
from keras import layers

from tfmeta import networks
from tfmeta.learners.network_function import NetworkFunction


def side_by_side(x: tf.Tensor, y: tf.Tensor, num_outputs: int | None) -> tf.Tensor:
    """Each example and its target, concatenated: `(support, features + outputs)`."""
    if y.dtype.is_integer:
        y = tf.one_hot(y, num_outputs, dtype=x.dtype)
    flat = [tf.reshape(t, (tf.shape(t)[0], math.prod(t.shape[1:]))) for t in (x, y)]
    return tf.concat(flat, 1)


def default_encoder(
    function: NetworkFunction, *, class_head: bool | None, units: int
) -> keras.Model:
    """The encoder for the examples of a network; without a class head, for examples and targets."""
    shape = function.input_shape[1:]
    if not class_head:
        together = math.prod(shape) + function.output_shape[-1]
        return networks.mlp((together,), None, units=(units,) * 3)
    if len(shape) == 3:
        return networks.conv4(shape, None, filters=32, features="mean")
    return networks.mlp(shape, None, units=(units,) * 3)


def decoder(inputs: int, units: int, outputs: int, *, name: str = "decoder") -> keras.Model:
    """A network from a summary of a support set to weights."""
    x = features = keras.Input((inputs,), name="code")
    for _ in range(2):
        x = layers.Dense(units, activation="relu")(x)
    # A task starts at the shared base.
    small = keras.initializers.RandomNormal(stddev=1e-3)
    return keras.Model(features, layers.Dense(outputs, kernel_initializer=small)(x), name=name)
