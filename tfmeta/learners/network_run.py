"""One run of a Keras network on tensors in place of its variables."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.exact_moments import exact_second_derivatives


class NetworkRun(NamedTuple):
    """The results of a run.

    Attributes:
        outputs: the network's outputs.
        weights: the trainable variables' values after the run, in their order.
        state: the other variables' values after the run, in their order.
        strangers: the number of assigned variables that aren't the network's.
    """

    outputs: Any
    weights: list[Any]
    state: list[Any]
    strangers: int


def run_network(
    network: keras.Model,
    x: tf.Tensor,
    *,
    weights: list[tf.Tensor],
    state: list[Any],
    training: bool,
    modes: Mapping[keras.layers.Layer, bool] | None = None,
) -> NetworkRun:
    """Runs a network as Keras does when it is called; changes no variable.

    The call is `network(x)` and not `network.call(x)`, as in Keras's own `stateless_call`. Only the
    former passes `training` to layers whose `call` doesn't pass it on, and works with a network
    whose `call` has no such argument.

    Args:
        network: a built `keras.Model`.
        x: `(examples, ...)`.
        weights: tensors in the order of `network.trainable_variables`.
        state: tensors in the order of `network.non_trainable_variables`; one more for the state of
            Keras's own generator, if layers draw from that.
        training: see `keras.Model.__call__`.
        modes: layers that run as in training (True) or in inference, whatever `training` is.
    """
    own = [network.trainable_variables, network.non_trainable_variables]
    more = [internals.global_generator().state] if len(state) > len(own[1]) else []
    scope = internals.scope_with([*own[0], *own[1], *more], [*weights, *state])
    known = len(internals.assigned_in(scope))
    rest, draw = (
        internals.running_as([k for k, v in (modes or {}).items() if v == mode], training=mode)
        for mode in (False, True)
    )
    with exact_second_derivatives(), rest, draw, scope:
        outputs = network(x, training=training)
    after = [[scope.get_current_value(v) for v in variables] for variables in own]
    strangers = len(internals.assigned_in(scope)) - known
    return NetworkRun(outputs, weights=after[0], state=after[1], strangers=strangers)
