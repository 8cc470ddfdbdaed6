"""The compiled loss of one set of a task: the mean over its examples, as Keras computes it."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.target_kind import CLASSES
from tfmeta.keras_internals import LossFunction, mask_of
from tfmeta.learners import targets

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")  # all the same without weights
_OF_ONE_HOT = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
)


def as_loss(loss: Any) -> keras.losses.Loss:
    """A Keras Loss from what `compile` takes: a name, a function or a Loss."""
    loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        return loss
    return LossFunction(loss, name=getattr(loss, "__name__", None))


def is_mean_squared_error(loss: Any) -> bool:
    """Whether it is the mean squared error, by any of its names, or None."""
    loss = loss and keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    return function is None or function is keras.losses.mean_squared_error


def check_loss(loss: Any) -> None:
    """Raises ValueError if a loss can't be honoured in a task."""
    if loss is None:
        return
    if isinstance(loss, (list, tuple, dict)):
        raise ValueError(
            f"received loss={loss!r}; a learner has one output. Expected one loss, which may be "
            "a function that adds several up"
        )
    loss = as_loss(loss)
    if loss.reduction not in _MEANS:
        raise ValueError(
            f"received the loss {loss.name!r} with reduction={loss.reduction!r}; a learner's "
            "losses are means over a set's examples, so that a rate means the same for any number "
            "of shots. Expected reduction='sum_over_batch_size'"
        )
    of_one_hot = isinstance(loss, _OF_ONE_HOT) or getattr(loss, "fn", None) in (
        keras.losses.categorical_crossentropy,
        keras.losses.categorical_focal_crossentropy,
        keras.losses.categorical_hinge,
    )
    if of_one_hot:
        raise ValueError(
            f"received the loss {loss.name!r}, for one-hot vectors; a task's classes are integer "
            "labels. Expected keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
        )
    if targets.of_loss(loss) == CLASSES and not loss.get_config().get("from_logits"):
        raise ValueError(
            f"received the loss {loss.name!r} with from_logits=False; a learner's outputs are "
            "logits, which its exports turn into probabilities. Expected "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True), and a network that ends "
            "without a softmax"
        )


def mean_loss(loss: Any, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """The mean of a loss over a set's examples, as Keras computes it.

    Args:
        loss: what `compile` takes and `check_loss` accepts.
        y: `(examples,)` labels or `(examples, outputs)` targets.
        outputs: `(examples, outputs)`; outputs in half precision are first converted to float32.
    """
    loss = as_loss(loss)
    mask = mask_of(outputs)
    # Float32 by default, as in Keras, but never less than the precision of the network.
    dtype = max(tf.as_dtype(loss.dtype), outputs.dtype, key=lambda d: d.size)
    y, outputs = tf.cast(y, dtype), tf.cast(outputs, dtype)
    if type(loss).__call__ is not keras.losses.Loss.__call__:
        return _own(loss, y, outputs)
    losses = loss.call(y, outputs)
    # Keras's own mean leaves out what a mask of the network (Masking) or of the loss (ignore_class)
    # excludes. It also divides by the number of replicas, but this mean is over one task.
    masks = [tf.cast(m, losses.dtype) for m in (mask, mask_of(losses)) if m is not None]
    if not masks:
        return tf.reduce_mean(losses)
    weights = tf.broadcast_to(tf.math.reduce_prod(tf.stack(masks), 0), tf.shape(losses))
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def _own(loss: Any, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """The value of a user's loss that computes its mean itself."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        raise ValueError(
            f"received the loss {loss.name!r} with a __call__ of its own; on several replicas it "
            "can't be known whether it divides by their number. Define `call` in its stead"
        )
    value = loss(y, outputs)
    if value.shape.rank != 0:
        raise ValueError(
            f"the loss {loss.name!r} has a __call__ of its own that returned the shape "
            f"{value.shape}; expected one number, the mean over the examples"
        )
    return value
