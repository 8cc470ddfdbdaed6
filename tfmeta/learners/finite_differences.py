"""Derivatives of a network's outputs, and the finite differences that they are compared with."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals

# The steps of the central differences, and the share by which the two may differ. A wrong
# derivative is off by tenths in every draw. A right one is off by the gradient's rounding divided
# by the step, in float64 by 1e-7 of the gradient for the first step; 1e-4 leaves room for second
# derivatives that are a thousandth of the gradient. If a part of the network computes in float32,
# its rounding is 1e-4, and a large step is needed, whose error grows with its square. One draw that
# agrees is enough: if a ReLU or a maximum changes its branch within the step, a draw disagrees by
# chance. conv4 of 84x84 pixels does so in an eighth of the draws of 1e-6, in half of those of 1e-5
# and in all larger ones, hence the smaller steps, whose rounding the larger tolerance leaves room
# for. Still smaller ones are nothing to float32.
TRIALS = (
    *((1e-6, 1e-4), (1e-6, 1e-4), (1e-7, 1e-3), (1e-7, 1e-3), (1e-7, 1e-3)),
    *((1e-5, 1e-2), (1e-4, 1e-2), (1e-3, 1e-2)),
)
TRIALS_IN_FLOAT32 = ((1e-2, 0.02), (3e-3, 0.02), (3e-2, 0.02), (1e-2, 0.05), (1e-1, 0.05))


def direction_of(values: Any, seed: int, entries: int | None = None) -> list[Any]:
    """A random direction of length 1, along so many entries of each value at most, or all."""
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=v.shape) for v in values]
    for each in direction if entries is not None else []:
        flat = each.reshape(-1)
        flat[rng.permutation(flat.size)[entries:]] = 0
    length = np.sqrt(sum(np.sum(d**2) for d in direction))
    return [tf.constant(d / length, v.dtype) for d, v in zip(direction, values, strict=True)]


def derivative_along(outputs_of: Any, values: Any, direction: Any) -> Any:
    """The derivative along `direction` of the gradient of `loss_of`."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        gradient = gradient_of(outputs_of, values)
        product = sum(tf.reduce_sum(g * d) for g, d in zip(gradient, direction, strict=True))
    return _dense(tape.gradient(product, values, unconnected_gradients="zero"))


def gradient_of(outputs_of: Any, values: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = loss_of(outputs_of(values))
    return _dense(tape.gradient(loss, values, unconnected_gradients="zero"))


def loss_of(outputs: tf.Tensor) -> Any:
    """A mean square, so that the gradients that flow back depend on the weights too."""
    flat = [t for t in keras.tree.flatten(outputs) if t.dtype.is_floating]
    return sum(tf.reduce_mean((tf.cast(t, tf.float64) - 0.3) ** 2) for t in flat)


def _dense(gradients: list[tf.Tensor]) -> list[Any]:
    return [tf.convert_to_tensor(g) for g in gradients]


def norm_of(tensors: list[tf.Tensor]) -> np.ndarray:
    return np.sqrt(sum(float(tf.reduce_sum(t**2)) for t in tensors))


def is_float(value: Any) -> bool:
    return tf.is_tensor(value) and value.dtype.is_floating


def cast_floats(value: Any, dtype: Any) -> Any:
    """Tensors and variables of floats in another dtype; anything else unchanged."""
    value = tf.convert_to_tensor(value) if isinstance(value, keras.Variable) else value
    return tf.cast(value, dtype) if is_float(value) else value


@contextlib.contextmanager
def in_float64(network: keras.Model) -> Iterator[Any]:
    """Lets the network's layers compute in float64 in its body, whatever their policies."""
    layers = [each for each in internals.layers_of(network) if _computes_floats(each)]

    def widened(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:  # also for layers that cast by themselves
        args = keras.tree.map_structure(lambda value: cast_floats(value, tf.float64), args)
        return call(layer, *args, **kwargs)

    with internals.computing_in(layers, "float64"), internals.every_call_through(widened):
        yield


def _computes_floats(layer: keras.layers.Layer) -> Any:
    return tf.as_dtype(layer.compute_dtype).is_floating
