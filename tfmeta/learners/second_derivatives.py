"""A probe of a network's second derivatives, which second-order methods rest on.

Some operations' gradients have no gradient of their own, or a wrong one without an error: that of
bilinear resizing is registered as not differentiable and counts as zero. So a second-order
learner tries its network when it is made: along a random direction, and in float64, the derivative
of the gradient must be what finite differences of the gradient give.
"""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.network_probe import described, example_inputs, recorded_calls
from tfmeta.learners.network_run import run_network
from tfmeta.precision import rounding_error

# The steps of the central differences that are tried, and by what share the two may differ. A wrong
# derivative is off by tenths with every draw. A right one errs by the gradient's rounding over the
# step, in float64 by 1e-7 of the gradient at the first: 1e-4 leaves room for second derivatives
# that are a thousandth of it. What computes in float32 on the way has 1e-4 of rounding, and needs a
# large step, which costs the step's square. One that agrees is enough: a draw whose ReLUs or maxima
# turn over within a step disagrees by chance.
_TRIALS = ((1e-6, 1e-4), (1e-6, 1e-4), (1e-5, 1e-2), (1e-4, 1e-2), (1e-3, 1e-2))
_TRIALS_IN_FLOAT32 = ((1e-2, 0.02), (3e-3, 0.02), (3e-2, 0.02), (1e-2, 0.05), (1e-1, 0.05))


def check_second_derivatives(network, function) -> None:
    """Tries a network's second derivative in its weights.

    Args:
        network: a built `keras.Model`.
        function: its NetworkFunction.

    Raises:
        ValueError: if it is wrong or missing; the message names the layer.
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
    """Of one network, in one dtype.

    Args:
        network, function: see `check_second_derivatives`.
        dtype: that the network computes in.
        trials: `(step, tolerance)` of each draw.
    """

    def __init__(self, network, function, dtype, trials):
        self._network, self._dtype, self._trials = network, dtype, trials
        state, resting = function.state_for_probes()
        self._weights = [self._cast(v) for v in network.trainable_variables]
        state = [self._cast(v) for v in state]
        self._options = {"state": state, "training": True, "resting": resting}
        self._rounding = 2 * rounding_error(dtype.as_numpy_dtype)  # of two gradients, relative

    def runs(self) -> bool:
        """Whether the network and its gradient can be had in this dtype."""
        try:
            x = self._examples()
            _gradient(lambda weights: self._outputs(weights, x), self._weights)
        except Exception:  # whatever a layer raises that finds another dtype than its own
            return False
        return True

    def refusal(self) -> str | None:
        """The message, if the network's second derivative is wrong or missing."""
        x = self._examples()
        problem = self._problem(lambda weights: self._outputs(weights, x), self._weights)
        return problem and (
            f"{self._culprit(x)} has no right second derivative ({problem}), which second-order "
            "methods need. Choose another layer, or first_order=True"
        )

    def _culprit(self, x):
        """The innermost layer whose second derivative is wrong by itself; else the network."""
        with recorded_calls() as calls:
            self._outputs(self._weights, x)
        for layer, args, kwargs, _ in calls:
            if layer is not self._network and self._is_wrong(layer, args, kwargs):
                return described(layer)
        return f"the network {self._network.name!r}"

    def _examples(self):
        return example_inputs(self._network, lambda x: self._outputs(self._weights, x))[0]

    def _outputs(self, weights, x):
        return run_network(self._network, x, weights=weights, **self._options).outputs

    def _cast(self, value):
        return _cast(value, self._dtype)

    def _is_wrong(self, layer, args, kwargs):
        """Whether a layer's second derivative in its input and weights is wrong."""
        args = keras.tree.map_structure(self._cast, args)
        inputs = [t for t in keras.tree.flatten(args) if _is_float(t)]
        weights = [self._cast(v) for v in layer.trainable_variables]

        def outputs(values):
            given = iter(values[: len(inputs)])
            replaced = keras.tree.map_structure(lambda t: next(given) if _is_float(t) else t, args)
            with internals.scope_with(layer.trainable_variables, values[len(inputs) :]):
                return layer(*replaced, **kwargs)

        return bool(inputs) and self._problem(outputs, [*inputs, *weights]) is not None

    def _problem(self, outputs_of, values):
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
            # Where the second derivative vanishes, the differences' rounding is all there is.
            if apart <= tolerance * size or apart * step <= self._rounding * _norm(up):
                return None
        return f"off by {100 * apart / size:.0f}% along a random direction"


def _direction(values, seed):
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=v.shape) for v in values]
    length = np.sqrt(sum(np.sum(d**2) for d in direction))
    return [tf.constant(d / length, v.dtype) for d, v in zip(direction, values, strict=True)]


def _along(outputs_of, values, direction):
    """The derivative along `direction` of the gradient of `_loss`."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        gradient = _gradient(outputs_of, values)
        product = sum(tf.reduce_sum(g * d) for g, d in zip(gradient, direction, strict=True))
    return _dense(tape.gradient(product, values, unconnected_gradients="zero"))


def _gradient(outputs_of, values):
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = _loss(outputs_of(values))
    return _dense(tape.gradient(loss, values, unconnected_gradients="zero"))


def _loss(outputs):
    """A square, so that what flows back into each operation depends on the weights too."""
    flat = [t for t in keras.tree.flatten(outputs) if t.dtype.is_floating]
    return sum(tf.reduce_mean((tf.cast(t, tf.float64) - 0.3) ** 2) for t in flat)


def _dense(gradients):
    return [tf.convert_to_tensor(g) for g in gradients]


def _norm(tensors):
    return np.sqrt(sum(float(tf.reduce_sum(t**2)) for t in tensors))


def _is_float(value):
    return tf.is_tensor(value) and value.dtype.is_floating


def _cast(value, dtype):
    """Tensors and variables of floats in another dtype; anything else as it is."""
    value = tf.convert_to_tensor(value) if isinstance(value, keras.Variable) else value
    return tf.cast(value, dtype) if _is_float(value) else value


@contextlib.contextmanager
def _in_float64(network):
    """Inside, the network's layers compute in float64, whatever their policies."""
    layers = [each for each in internals.layers_of(network) if _computes_floats(each)]

    def widened(call, layer, *args, **kwargs):  # also of layers that cast by themselves
        args = keras.tree.map_structure(lambda value: _cast(value, tf.float64), args)
        return call(layer, *args, **kwargs)

    with internals.computing_in(layers, "float64"), internals.every_call_through(widened):
        yield


def _computes_floats(layer):
    return tf.as_dtype(layer.compute_dtype).is_floating
