"""Checks the gradients of layers that draw random numbers.

TensorFlow's gradient of moving an image, as augmentation layers do, is an approximation, and so is
that of changing its hue. It does not matter if such a layer stands before all weights. Elsewhere
the weights before it would be trained in a wrong direction, so the layer is refused.
"""

import statistics
from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.finite_differences import (
    cast_floats,
    direction_of,
    gradient_of,
    in_float64,
    is_float,
    loss_of,
)
from tfmeta.learners.network_probe import described, example_inputs, recorded_calls
from tfmeta.learners.network_run import run_network
from tfmeta.precision import rounding_error

_DRAWS = 3  # some change nothing
_DIRECTIONS = 5  # a right gradient is off in few, where a maximum changes its branch
# The step, and the share by which the two may differ. A wrong gradient is off by tenths.
_EXACT, _COARSE = (1e-6, 1e-3), (1e-2, 0.05)


def check_random_gradients(network: keras.Model, function: Any) -> None:
    """Compares a layer's gradient with finite differences if it draws and weights stand before it.

    Args:
        network: a built `keras.Model`.
        function: its NetworkFunction.

    Raises:
        ValueError: if a gradient is wrong; the message names the layer.
    """
    for seed in range(_DRAWS):
        state, modes = function.state_for_probes(seed)
        for layer, args, kwargs in _calls_after_weights(network, function, state, modes):
            error = _share_off(network, layer, state=state, args=args, kwargs=kwargs)
            if error:
                raise ValueError(
                    f"{described(layer)} has no right gradient (off by {100 * error:.0f}%): "
                    "TensorFlow's is an approximation. Put the layer before all layers that have "
                    "weights, or take it out of the network and augment the episodes"
                )


def _calls_after_weights(
    network: keras.Model, function: Any, state: list[Any], modes: Any
) -> list[tuple[Any, Any, Any]]:
    """The calls `(layer, args, kwargs)` of layers that draw, whose inputs depend on weights."""
    weights = function.weights()

    def run(x: tf.Tensor) -> Any:
        run_network(network, x, weights=weights, state=state, training=True, modes=modes)

    x = example_inputs(network, run)[0]
    with tf.GradientTape(persistent=True) as tape, recorded_calls() as calls:
        tape.watch(weights)
        run(x)
    random_layers = set(map(id, function.random_layers))
    return [
        (layer, args, kwargs)
        for layer, args, kwargs, _ in calls
        if id(layer) in random_layers
        and any(each is not None for each in tape.gradient(_floats(args), weights))
    ]


def _floats(args: Any) -> list[tf.Tensor]:
    return [each for each in keras.tree.flatten(args) if is_float(each)]


def _share_off(
    network: keras.Model, layer: keras.Layer, *, state: list[Any], args: Any, kwargs: Any
) -> float | None:
    """By how much the layer's gradient differs from finite differences; None if it is right."""

    def outputs_of(inputs: list[tf.Tensor]) -> Any:
        given = iter(inputs)
        replaced = keras.tree.map_structure(lambda t: next(given) if is_float(t) else t, args)
        scope = internals.scope_with(network.non_trainable_variables, state)
        with internals.running_as([layer], training=True), scope:
            return layer(*replaced, **kwargs)

    inputs = _floats(args)
    try:
        with in_float64(layer):
            wide = [cast_floats(each, tf.float64) for each in inputs]
            return _share_off_in(outputs_of, wide, *_EXACT)
    except Exception:  # a layer may raise anything if it gets another dtype than its own
        return _share_off_in(outputs_of, inputs, *_COARSE)


def _share_off_in(outputs_of: Any, inputs: Any, step: float, tolerance: float) -> float | None:
    gradient = gradient_of(outputs_of, inputs)
    rounding = 2 * rounding_error(inputs[0].dtype.as_numpy_dtype)
    shares = []
    for seed in range(_DIRECTIONS):
        direction = direction_of(inputs, seed)
        along = sum(float(tf.reduce_sum(g * d)) for g, d in zip(gradient, direction, strict=True))
        up, down = (
            float(loss_of(outputs_of([x + s * d for x, d in zip(inputs, direction, strict=True)])))
            for s in (step, -step)
        )
        apart = abs(along - (up - down) / (2 * step))
        is_rounding = apart * step <= rounding * abs(up)
        shares.append(0.0 if is_rounding else apart / max(abs(along), abs(up - down) / (2 * step)))
    middle = statistics.median(shares)
    return middle if middle > tolerance else None
