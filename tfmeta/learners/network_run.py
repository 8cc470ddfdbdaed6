"""One run of a Keras network on tensors in place of its variables."""

import contextlib
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfmeta.learners.exact_moments import exact_second_derivatives


class NetworkRun(NamedTuple):
    """What a run gave.

    Attributes:
        outputs: the network's.
        weights: the trainable variables' values after the run, in their order.
        state: the other variables' values after it, in their order.
        strangers: how many variables were assigned that aren't the network's.
    """

    outputs: Any
    weights: list
    state: list
    strangers: int


def run_network(network, x, *, weights, state, training: bool, resting=()) -> NetworkRun:
    """Runs a network as Keras does when it is called; changes no variable.

    The call is `network(x)` and not `network.call(x)`, as in Keras's own `stateless_call`: only the
    former hands `training` down to layers whose `call` doesn't pass it on, and it is what takes a
    network whose `call` has no such argument at all.

    Args:
        network: a built `keras.Model`.
        x: `(examples, ...)`.
        weights: tensors in the order of `network.trainable_variables`.
        state: tensors in the order of `network.non_trainable_variables`.
        training: as of `keras.Model.__call__`.
        resting: layers that run as in inference all the same.
    """
    own = [network.trainable_variables, network.non_trainable_variables]
    scope = keras.StatelessScope()
    # Not through the scope's constructor, which would cast to the variables' own dtype: second
    # derivatives of a float32 network are tried in float64.
    for variables, values in zip(own, (weights, state), strict=True):
        for variable, value in zip(variables, values, strict=True):
            scope.state_mapping[id(variable)] = tf.convert_to_tensor(value)
    known = len(scope.state_mapping)
    with exact_second_derivatives(), at_rest(resting), scope:
        outputs = network(x, training=training)
    after = [[scope.get_current_value(v) for v in variables] for variables in own]
    return NetworkRun(outputs, *after, strangers=len(scope.state_mapping) - known)


@contextlib.contextmanager
def at_rest(layers):
    """Inside, these layers run as in inference, whatever they are called with."""
    calls = [layer.call for layer in layers]

    def resting(call):
        return lambda *args, **kwargs: call(*args, **{**kwargs, "training": False})

    try:
        for layer, call in zip(layers, calls, strict=True):
            object.__setattr__(layer, "call", resting(call))
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")
