"""Checks a network's second derivatives, which second-order methods need.

The gradients of some operations have no gradient of their own, or a wrong one without an error. For
example, the gradient of bilinear resizing is registered as not differentiable and counts as zero.
So a second-order learner checks its network when it is made: in float64, along a random direction,
the derivative of the gradient must equal finite differences of the gradient.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.network_probe import described, example_inputs, recorded_calls
from tfmeta.learners.network_run import run_network
from tfmeta.precision import rounding_error

# The steps of the central differences, and the share by which the two may differ. A wrong
# derivative is off by tenths in every draw. A right one is off by the gradient's rounding divided
# by the step, in float64 by 1e-7 of the gradient for the first step; 1e-4 leaves room for second
# derivatives that are a thousandth of the gradient. If a part of the network computes in float32,
# its rounding is 1e-4, and a large step is needed, whose error grows with its square. One draw that
# agrees is enough: if a ReLU or a maximum changes its branch within the step, a draw disagrees by
# chance.
_TRIALS = ((1e-6, 1e-4), (1e-6, 1e-4), (1e-5, 1e-2), (1e-4, 1e-2), (1e-3, 1e-2))
_TRIALS_IN_FLOAT32 = ((1e-2, 0.02), (3e-3, 0.02), (3e-2, 0.02), (1e-2, 0.05), (1e-1, 0.05))


def check_second_derivatives(network: keras.Model, function: Any) -> None:
    """Checks a network's second derivative with respect to its weights.

    Args:
        network: a built `keras.Model`.
        function: its NetworkFunction.

    Raises:
        ValueError: if the derivative is wrong or missing; the message names the layer.
    """
    if not network.trainable_variables:
        return
    with _in_float64(network):
        probe = _Probe(network, function, tf.float64, _TRIALS)
        runs = probe.runs()
        refusal = probe.refusal() if runs else None
    if not runs:
        # Some operations have no kernel for float64, such as pooling in three dimensions.
        refusal = _Probe(network, function, tf.float32, _TRIALS_IN_FLOAT32).refusal()
    if refusal:
        raise ValueError(refusal)


class _Probe:
    """The check of one network in one dtype.

    Args:
        network, function: see `check_second_derivatives`.
        dtype: the type in which the network computes.
        trials: `(step, tolerance)` for each draw.
    """

    def __init__(self, network: keras.Model, function: Any, dtype: Any, trials: Any):
        self._network, self._dtype, self._trials = network, dtype, trials
        state, resting = function.state_for_probes()
        self._weights = [self._cast(v) for v in network.trainable_variables]
        state = [self._cast(v) for v in state]
        self._options = {"state": state, "training": True, "resting": resting}
        self._rounding = 2 * rounding_error(dtype.as_numpy_dtype)  # relative, of two gradients

    def runs(self) -> bool:
        """Whether the network and its gradient can be computed in this dtype."""
        try:
            x = self._examples()
            _gradient(lambda weights: self._outputs(weights, x), self._weights)
        except Exception:  # a layer may raise anything if it gets another dtype than its own
            return False
        return True

    def refusal(self) -> str | None:
        """The message if the network's second derivative is wrong or missing, else None."""
        x = self._examples()
        problem = self._problem(lambda weights: self._outputs(weights, x), self._weights)
        return problem and (
            f"{self._culprit(x)} has no right second derivative ({problem}), which second-order "
            "methods need. Choose another layer, or first_order=True"
        )

    def _culprit(self, x: tf.Tensor) -> str:
        """The innermost layer whose own second derivative is wrong, else the network."""
        with recorded_calls() as calls:
            self._outputs(self._weights, x)
        for layer, args, kwargs, _ in calls:
            if layer is not self._network and self._is_wrong(layer, args, kwargs):
                return described(layer)
        return f"the network {self._network.name!r}"

    def _examples(self) -> Any:
        return example_inputs(self._network, lambda x: self._outputs(self._weights, x))[0]

    def _outputs(self, weights: list[tf.Tensor], x: tf.Tensor) -> Any:
        return run_network(self._network, x, weights=weights, **self._options).outputs

    def _cast(self, value: Any) -> Any:
        return _cast(value, self._dtype)

    def _is_wrong(self, layer: keras.layers.Layer, args: Any, kwargs: Any) -> Any:
        """Whether a layer's second derivative with respect to its input and weights is wrong."""
        args = keras.tree.map_structure(self._cast, args)
        inputs = [t for t in keras.tree.flatten(args) if _is_float(t)]
        weights = [self._cast(v) for v in layer.trainable_variables]

        def outputs(values: Any) -> Any:
            given = iter(values[: len(inputs)])
            replaced = keras.tree.map_structure(lambda t: next(given) if _is_float(t) else t, args)
            with internals.scope_with(layer.trainable_variables, values[len(inputs) :]):
                return layer(*replaced, **kwargs)

        return bool(inputs) and self._problem(outputs, [*inputs, *weights]) is not None

    def _problem(self, outputs_of: Any, values: Any) -> str | None:
        """Compares a function's second derivative with finite differences of its first."""
        for seed, (step, tolerance) in enumerate(self._trials):
            direction = _direction(values, seed)
            try:
                analytic = _along(outputs_of, values, direction)
            except (LookupError, NotImplementedError, tf.errors.UnimplementedError) as error:
                return str(error).partition("\n")[0][:120]
            up, down = (
                _gradient(outputs_of, [v + s * d for v, d in zip(values, direction, strict=True)])
                for s in (step, -step)
            )
            numeric = [(u - d) / (2 * step) for u, d in zip(up, down, strict=True)]
            size = max(_norm(numeric), _norm(analytic))
            apart = _norm([a - n for a, n in zip(analytic, numeric, strict=True)])
            # If the second derivative is zero, the differences consist of rounding alone.
            if apart <= tolerance * size or apart * step <= self._rounding * _norm(up):
                return None
        return f"off by {100 * apart / size:.0f}% along a random direction"


def _direction(values: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=v.shape) for v in values]
    length = np.sqrt(sum(np.sum(d**2) for d in direction))
    return [tf.constant(d / length, v.dtype) for d, v in zip(direction, values, strict=True)]


def _along(outputs_of: Any, values: Any, direction: Any) -> Any:
    """The derivative along `direction` of the gradient of `_loss`."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        gradient = _gradient(outputs_of, values)
        product = sum(tf.reduce_sum(g * d) for g, d in zip(gradient, direction, strict=True))
    return _dense(tape.gradient(product, values, unconnected_gradients="zero"))


def _gradient(outputs_of: Any, values: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = _loss(outputs_of(values))
    return _dense(tape.gradient(loss, values, unconnected_gradients="zero"))


def _loss(outputs: tf.Tensor) -> Any:
    """A mean square, so that the gradients that flow back depend on the weights too."""
    flat = [t for t in keras.tree.flatten(outputs) if t.dtype.is_floating]
    return sum(tf.reduce_mean((tf.cast(t, tf.float64) - 0.3) ** 2) for t in flat)


def _dense(gradients: list[tf.Tensor]) -> list[Any]:
    return [tf.convert_to_tensor(g) for g in gradients]


def _norm(tensors: list[tf.Tensor]) -> np.ndarray:
    return np.sqrt(sum(float(tf.reduce_sum(t**2)) for t in tensors))


def _is_float(value: Any) -> bool:
    return tf.is_tensor(value) and value.dtype.is_floating


def _cast(value: Any, dtype: Any) -> Any:
    """Tensors and variables of floats in another dtype; anything else unchanged."""
    value = tf.convert_to_tensor(value) if isinstance(value, keras.Variable) else value
    return tf.cast(value, dtype) if _is_float(value) else value


@contextlib.contextmanager
def _in_float64(network: keras.Model) -> Iterator[Any]:
    """Lets the network's layers compute in float64 in its body, whatever their policies."""
    layers = [each for each in internals.layers_of(network) if _computes_floats(each)]

    def widened(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:  # also for layers that cast by themselves
        args = keras.tree.map_structure(lambda value: _cast(value, tf.float64), args)
        return call(layer, *args, **kwargs)

    with internals.computing_in(layers, "float64"), internals.every_call_through(widened):
        yield


def _computes_floats(layer: keras.layers.Layer) -> Any:
    return tf.as_dtype(layer.compute_dtype).is_floating
