"""Checks a network's second derivatives, which second-order methods need.

The gradients of some operations have no gradient of their own, or a wrong one without an error. For
example, the gradient of bilinear resizing is registered as not differentiable and counts as zero.
So a second-order learner checks its network when it is made: in float64, along a random direction,
the derivative of the gradient must equal finite differences of the gradient.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.exact_moments import exact_second_derivatives
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
_ENTRIES = 64  # of each input and weight that a direction in float32 moves: few meet a maximum


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
        probe = _Probe(network, function, tf.float64)
        runs = probe.runs()
        refusal = probe.refusal() if runs else None
    if not runs:
        # Some operations have no kernel for float64, such as pooling in three dimensions. In
        # float32 a whole network changes a branch within any step that exceeds its rounding.
        refusal = _Probe(network, function, tf.float32).refusal_by_layers()
    if refusal:
        raise ValueError(refusal)


class _Probe:
    """The check of one network in one dtype.

    Args:
        network, function: see `check_second_derivatives`.
        dtype: the type in which the network computes.
    """

    def __init__(self, network: keras.Model, function: Any, dtype: Any):
        self._network, self._dtype = network, dtype
        state, modes = function.state_for_probes()
        weights = [cast_floats(v, dtype) for v in network.trainable_variables]
        # Aside, because at the start biases are zero: if all units before a layer are off, its
        # ReLUs are exactly where their derivative jumps, and no draw would agree.
        aside = direction_of(weights, _ASIDE)
        self._weights = [w + _DISTANCE * a for w, a in zip(weights, aside, strict=True)]
        state = [cast_floats(v, dtype) for v in state]
        self._options = {"state": state, "training": True, "modes": modes}

    def runs(self) -> bool:
        """Whether the network and its gradient can be computed in this dtype."""
        return _runs(lambda: gradient_of(self._along(self._examples()), self._weights))

    def refusal(self) -> str | None:
        """The message if the network's second derivative is wrong or missing, else None."""
        x = self._examples()
        problem = _problem(self._along(x), self._weights, TRIALS)
        return problem and _refusal(self._culprit(x), problem)

    def refusal_by_layers(self) -> str | None:
        """As `refusal`, but each layer is tried alone, in float64 if that can compute it.

        A network of right layers is right, but for what a `call` of its own computes.
        """
        for layer, args, kwargs, _ in self._calls(self._examples()):
            if internals.is_made_of_layers(layer):
                continue
            problem = _Alone(layer, args, kwargs).problem()
            if problem:
                return _refusal(described(layer), problem)
        return None

    def _culprit(self, x: tf.Tensor) -> str:
        """The innermost layer whose own second derivative is wrong, else the network."""
        for layer, args, kwargs, _ in self._calls(x):
            if layer is not self._network and _Alone(layer, args, kwargs).problem():
                return described(layer)
        return f"the network {self._network.name!r}"

    def _calls(self, x: tf.Tensor) -> Any:
        with recorded_calls() as calls:
            self._outputs(self._weights, x)
        return calls

    def _examples(self) -> Any:
        return example_inputs(self._network, lambda x: self._outputs(self._weights, x))[0]

    def _along(self, x: tf.Tensor) -> Any:
        return lambda weights: self._outputs(weights, x)

    def _outputs(self, weights: list[tf.Tensor], x: tf.Tensor) -> Any:
        return run_network(self._network, x, weights=weights, **self._options).outputs


class _Alone:
    """The check of one layer with respect to its inputs and its weights.

    Args:
        layer, args, kwargs: a call of it.
    """

    def __init__(self, layer: keras.layers.Layer, args: Any, kwargs: Any):
        self._layer, self._args, self._kwargs = layer, args, kwargs

    def problem(self) -> str | None:
        """What is wrong with its second derivative, in float64 if it can compute that, or None."""
        with in_float64(self._layer):
            values = self._values(tf.float64)
            if _runs(lambda: gradient_of(self._outputs, values)):
                return self._of(values, TRIALS)
        values = self._values(tf.float32)
        return self._of(_without_ties(values), TRIALS_IN_FLOAT32, entries=_ENTRIES)

    def _of(self, values: Any, trials: Any, **options: Any) -> str | None:
        has_inputs = len(values) > len(self._layer.trainable_variables)
        return _problem(self._outputs, values, trials, **options) if has_inputs else None

    def _values(self, dtype: Any) -> list[tf.Tensor]:
        inputs = [t for t in keras.tree.flatten(self._args) if is_float(t)]
        return [cast_floats(v, dtype) for v in (*inputs, *self._layer.trainable_variables)]

    def _outputs(self, values: Any) -> Any:
        variables = self._layer.trainable_variables
        given = iter(values)
        args = keras.tree.map_structure(lambda t: next(given) if is_float(t) else t, self._args)
        with exact_second_derivatives(), internals.scope_with(variables, list(given)):
            return self._layer(*args, **self._kwargs)  # as `run_network` runs it


def _without_ties(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The values with noise, for where many are 0, as after a ReLU, any step changes a maximum."""
    rng = np.random.default_rng(_ASIDE)
    return [v + tf.constant(rng.uniform(high=_DISTANCE, size=v.shape), v.dtype) for v in values]


def _runs(run: Any) -> bool:
    try:
        run()
    except Exception:  # a layer may raise anything if it gets another dtype than its own
        return False
    return True


def _problem(outputs_of: Any, values: Any, trials: Any, entries: int | None = None) -> str | None:
    """Compares a function's second derivative with finite differences of its first."""
    rounding = 2 * rounding_error(values[0].dtype.as_numpy_dtype)  # relative, of two gradients
    problem = None
    for seed, (step, tolerance) in enumerate(trials):
        direction = direction_of(values, seed, entries)
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
        if not size:  # the step may be nothing to a part that computes in float32
            continue
        # If the second derivative is zero, the differences consist of rounding alone.
        if apart <= tolerance * size or apart * step <= rounding * norm_of(up):
            return None
        problem = f"off by {100 * apart / size:.0f}% along a random direction"
    return problem


def _refusal(culprit: str, problem: str) -> str:
    return (
        f"{culprit} has no right second derivative ({problem}), which second-order methods need. "
        "Choose another layer, or first_order=True"
    )
