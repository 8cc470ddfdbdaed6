"""Checks a network's second derivatives, which second-order methods need.

The gradients of some operations have no gradient of their own, or a wrong one without an error. For
example, the gradient of bilinear resizing is registered as not differentiable and counts as zero.
So a second-order learner checks its network when it is made: in float64, along a random direction,
the derivative of the gradient must equal finite differences of the gradient.
"""

from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.finite_differences import (
    TRIALS,
    TRIALS_IN_FLOAT32,
    cast_floats,
    derivative_along,
    direction_of,
    gradient_of,
    in_float64,
    is_float,
    norm_of,
)
from tfmeta.learners.network_probe import described, example_inputs, recorded_calls
from tfmeta.learners.network_run import run_network
from tfmeta.precision import rounding_error

_ASIDE, _DISTANCE = 1_000, 0.1  # the seed of a direction, and how far: many of the trials' steps


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
    with in_float64(network):
        probe = _Probe(network, function, tf.float64, TRIALS)
        runs = probe.runs()
        refusal = probe.refusal() if runs else None
    if not runs:
        # Some operations have no kernel for float64, such as pooling in three dimensions.
        refusal = _Probe(network, function, tf.float32, TRIALS_IN_FLOAT32).refusal()
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
        state, modes = function.state_for_probes()
        weights = [self._cast(v) for v in network.trainable_variables]
        # Aside, because at the start biases are zero: if all units before a layer are off, its
        # ReLUs are exactly where their derivative jumps, and no draw would agree.
        aside = direction_of(weights, _ASIDE)
        self._weights = [w + _DISTANCE * a for w, a in zip(weights, aside, strict=True)]
        state = [self._cast(v) for v in state]
        self._options = {"state": state, "training": True, "modes": modes}
        self._rounding = 2 * rounding_error(dtype.as_numpy_dtype)  # relative, of two gradients

    def runs(self) -> bool:
        """Whether the network and its gradient can be computed in this dtype."""
        try:
            x = self._examples()
            gradient_of(lambda weights: self._outputs(weights, x), self._weights)
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
        return cast_floats(value, self._dtype)

    def _is_wrong(self, layer: keras.layers.Layer, args: Any, kwargs: Any) -> Any:
        """Whether a layer's second derivative with respect to its input and weights is wrong."""
        args = keras.tree.map_structure(self._cast, args)
        inputs = [t for t in keras.tree.flatten(args) if is_float(t)]
        weights = [self._cast(v) for v in layer.trainable_variables]

        def outputs(values: Any) -> Any:
            given = iter(values[: len(inputs)])
            replaced = keras.tree.map_structure(lambda t: next(given) if is_float(t) else t, args)
            with internals.scope_with(layer.trainable_variables, values[len(inputs) :]):
                return layer(*replaced, **kwargs)

        return bool(inputs) and self._problem(outputs, [*inputs, *weights]) is not None

    def _problem(self, outputs_of: Any, values: Any) -> str | None:
        """Compares a function's second derivative with finite differences of its first."""
        for seed, (step, tolerance) in enumerate(self._trials):
            direction = direction_of(values, seed)
            try:
                analytic = derivative_along(outputs_of, values, direction)
            except (LookupError, NotImplementedError, tf.errors.UnimplementedError) as error:
                return str(error).partition("\n")[0][:120]
            up, down = (
                gradient_of(outputs_of, [v + s * d for v, d in zip(values, direction, strict=True)])
                for s in (step, -step)
            )
            numeric = [(u - d) / (2 * step) for u, d in zip(up, down, strict=True)]
            size = max(norm_of(numeric), norm_of(analytic))
            apart = norm_of([a - n for a, n in zip(analytic, numeric, strict=True)])
            # If the second derivative is zero, the differences consist of rounding alone.
            if apart <= tolerance * size or apart * step <= self._rounding * norm_of(up):
                return None
        return f"off by {100 * apart / size:.0f}% along a random direction"
