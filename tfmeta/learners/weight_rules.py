"""The rules that Keras lets a layer have for its weights: regularizers and constraints.

A regularizer counts once per step, on the weights that the outer loop changes: the penalty is added
to the mean loss of the tasks. A task's inner loop minimises the support loss alone, so that an
adapted model depends on the support set and the start. A constraint holds after every step of the
outer optimizer, by Keras, and after every step of the inner loop.
"""

from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.network_probe import computed_from, input_shape


def penalty(variables: list[Any]) -> tf.Tensor | None:
    """The sum of the variables' regularizers, a scalar; None if none has one."""
    terms = [v.regularizer(tf.convert_to_tensor(v)) for v in variables if v.regularizer is not None]
    return tf.add_n(terms) if terms else None


def penalty_and_gradients(variables: list[Any]) -> tuple[tf.Tensor | None, list[tf.Tensor] | None]:
    """`(penalty, gradients)`; gradients are in the order of the variables; or `(None, None)`."""
    with tf.GradientTape() as tape:
        value = penalty(variables)
    if value is None:
        return None, None
    return value, tape.gradient(value, [v.value for v in variables], unconnected_gradients="zero")


def constrained(variables: list[Any], values: Any) -> list[Any]:
    """The values of weights after a step, each after the constraint of its variable."""
    pairs = zip(variables, values, strict=True)
    return [value if v.constraint is None else v.constraint(value) for v, value in pairs]


def refuse_forward_losses(network: keras.Model) -> None:
    """Raises ValueError if running the network adds losses to the one that is minimised.

    Such losses depend on a pass through the network. The inner loop makes several passes, each with
    other weights, so that it would not be clear which of them count.
    """
    layers = internals.layers_of(network)
    for layer in layers:
        if getattr(layer, "activity_regularizer", None) is not None:
            raise _refusal(layer, "has an activity_regularizer")
    # Keras's own layers call add_loss only for this.
    if all(type(layer).__module__.startswith("keras.") for layer in layers):
        return
    for layer in _layers_that_add_losses(network):
        raise _refusal(layer, "calls add_loss")


def _refusal(layer: keras.layers.Layer, does: Any) -> ValueError:
    return ValueError(
        f"the network's layer {layer.name!r} ({type(layer).__name__}) {does}; a learner minimises "
        "its loss and the regularizers of weights (kernel_regularizer and the like), and nothing "
        "that depends on a way through the network. Build the network without it"
    )


def _layers_that_add_losses(network: keras.Model) -> list[Any]:
    """The layers that call add_loss, found by tracing the network, which computes nothing."""
    specs = tf.TensorSpec(input_shape(network), computed_from(network))
    options = {"training": True} if internals.takes_training(network) else {}

    def run(x: tf.Tensor) -> Any:
        with keras.StatelessScope(collect_losses=True):
            return network(x, **options)

    tf.function(run, autograph=False).get_concrete_function(specs)
    return internals.pop_layers_with_losses(network)
