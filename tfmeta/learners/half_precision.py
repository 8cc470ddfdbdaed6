"""Networks that compute in half precision: their gradients in the inner loop, and their policies.

Keras's policies `mixed_bfloat16` and `mixed_float16` keep weights in float32, and let layers
compute in half precision. bfloat16 has the range of float32, and float16 has not: nothing below
6e-8 and nothing above 65,504.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.network_probe import described, owner_of

_HALF = ("float16", "bfloat16")
_EXPONENT = 0x7F800000  # the bits of a float32 that hold it


def policy_of(network: keras.Model, learner_options: dict[str, Any]) -> Any:
    """The dtype policy of a learner: its network's.

    Keras doesn't save that of a network, only its layers'. A mixed one of any layer counts, so that
    the loss is scaled where a layer needs it; and float64 if all that is trained is.

    Args:
        network: of the learner.
        learner_options: in which a `dtype` must be the same.

    Raises:
        ValueError: if it is another one.
    """
    own = _policy_of(network)
    given = learner_options.get("dtype")
    if given is not None and keras.dtype_policies.get(given).name != own.name:
        raise ValueError(
            f"received dtype={getattr(given, 'name', given)!r} and a network in {own.name}, whose "
            "layers compute as they were made; expected no dtype. Make the network under "
            "keras.config.set_dtype_policy(...)"
        )
    return own


def _policy_of(network: keras.Model) -> keras.DTypePolicy:
    if network.weights and {v.dtype for v in network.trainable_variables} == {"float64"}:
        return keras.DTypePolicy("float64")
    policies = {each.dtype_policy.name for each in internals.layers_of(network)}
    mixed = [name for name in ("mixed_float16", "mixed_bfloat16") if name in policies]
    return keras.DTypePolicy(mixed[0] if mixed else network.dtype_policy.name)


@contextlib.contextmanager
def made_under(policy: Any) -> Iterator[None]:
    """Layers that are made in its body have this dtype policy, unless they are given one."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def layers_in_half(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model that compute in half precision; the model itself may be among them."""
    return [each for each in internals.layers_of(model) if each.compute_dtype in _HALF]


def in_full_precision(model: keras.Model) -> contextlib.AbstractContextManager[None]:
    """Lets all layers of a model that compute in half precision compute in float32 in its body."""
    return internals.computing_in(layers_in_half(model), "float32")


def stay_in_full_precision(model: keras.Model) -> None:
    """From now on, all layers of a model that compute in half precision compute in float32."""
    for layer in layers_in_half(model):
        layer.dtype_policy = keras.DTypePolicy("float32")


def refuse_half_weights(network: keras.Model) -> None:
    """Raises ValueError if a network keeps weights or statistics in half precision."""
    for variable in network.variables:
        if variable.dtype in _HALF:
            raise ValueError(
                f"{described(owner_of(network, variable))} keeps {variable.name!r} in "
                f"{variable.dtype}, in which the steps of training are lost to rounding. Expected "
                f"the policy 'mixed_{variable.dtype}', whose weights are float32"
            )


def value_and_gradients(
    outputs_of: Callable[[list[tf.Tensor]], tuple[tf.Tensor, Any]],
    loss_of: Callable[[tf.Tensor], tf.Tensor],
    weights: list[tf.Tensor],
    *,
    scaled: bool,
) -> tuple[tf.Tensor, Any, list[tf.Tensor]]:
    """A loss and its gradients, which outer tapes may differentiate again.

    In float16 the gradients of a mean over examples would soon be zero. So if `scaled`, what flows
    back into the network is divided by a power of two, after which its largest number is between 1
    and 2, and the gradients, in float32, are multiplied by it. Neither changes a digit. A loss
    scale for both loops would not do: where nothing is trained there is none, and a scale that is
    right for one task may be too large for another.

    Args:
        outputs_of: weights -> `(outputs, anything)`.
        loss_of: outputs -> a number.
        weights: tensors.
        scaled: whether a part of the network computes in float16.

    Returns:
        `(loss, anything, gradients)`.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        outputs, other = outputs_of(weights)
        if scaled:
            outputs = internals.with_mask_of(outputs, full(outputs))
        else:
            loss = loss_of(outputs)
    if not scaled:
        return loss, other, tape.gradient(loss, weights, unconnected_gradients="zero")
    with tf.GradientTape() as of_loss:
        of_loss.watch(outputs)
        loss = loss_of(outputs)
    slope = of_loss.gradient(loss, outputs, unconnected_gradients="zero")
    size = _power_of_two(tf.reduce_max(tf.abs(slope)))
    gradients = tape.gradient(
        outputs, weights, output_gradients=slope / size, unconnected_gradients="zero"
    )
    return loss, other, [tf.convert_to_tensor(g) * size for g in gradients]


def computes_in_float16(network: keras.Model) -> bool:
    return any(layer.compute_dtype == "float16" for layer in layers_in_half(network))


def _power_of_two(number: tf.Tensor) -> tf.Tensor:
    """The largest power of two up to a positive float32; 1 for zero and for what is not finite."""
    number = tf.stop_gradient(number)
    exponent = tf.bitwise.bitwise_and(tf.bitcast(number, tf.int32), _EXPONENT)
    power = tf.bitcast(exponent, tf.float32)
    return tf.where(tf.math.is_finite(number) & (power > 0), power, 1.0)
