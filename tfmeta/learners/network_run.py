"""One run of a Keras network on tensors in place of its variables."""

from collections.abc import Iterable
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
    resting: Iterable[keras.layers.Layer] = (),
    drawing: Iterable[keras.layers.Layer] = (),
    global_seed: tf.Tensor | None = None,
) -> NetworkRun:
    """Runs a network as Keras does when it is called; changes no variable.

    The call is `network(x)` and not `network.call(x)`, as in Keras's own `stateless_call`. Only the
    former passes `training` to layers whose `call` doesn't pass it on, and works with a network
    whose `call` has no such argument.

    Args:
        network: a built `keras.Model`.
        x: `(examples, ...)`.
        weights: tensors in the order of `network.trainable_variables`.
        state: tensors in the order of `network.non_trainable_variables`.
        training: see `keras.Model.__call__`.
        resting: layers that run as in inference even if `training` is True.
        drawing: layers that run as in training even if `training` is False.
        global_seed: the state of Keras's own generator, if layers draw from that.
    """
    own = [network.trainable_variables, network.non_trainable_variables]
    scope = internals.scope_with([*own[0], *own[1]], [*weights, *state])
    if global_seed is not None:
        scope.add_update((internals.global_generator().state, global_seed))
    known = len(internals.assigned_in(scope))
    rest = internals.running_as(resting, training=False)
    draw = internals.running_as(drawing, training=True)
    with exact_second_derivatives(), rest, draw, scope:
        outputs = network(x, training=training)
    after = [[scope.get_current_value(v) for v in variables] for variables in own]
    strangers = len(internals.assigned_in(scope)) - known
    return NetworkRun(outputs, weights=after[0], state=after[1], strangers=strangers)
