"""The compiled loss over one set of a task: what Keras would make of it, as a mean."""

import keras
import tensorflow as tf

from tfmeta.keras_internals import LossFunction, mask_of
from tfmeta.learners import targets

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")  # the same without weights
_OF_ONE_HOT = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
)


def as_loss(loss) -> keras.losses.Loss:
    """What `compile` takes as a Keras Loss: a name, a function, or a Loss."""
    loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        return loss
    return LossFunction(loss, name=getattr(loss, "__name__", None))


def check_loss(loss) -> None:
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
    if targets.of_loss(loss) == targets.CLASSES and not loss.get_config().get("from_logits"):
        raise ValueError(
            f"received the loss {loss.name!r} with from_logits=False; a learner's outputs are "
            "logits, which its exports turn into probabilities. Expected "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True), and a network that ends "
            "without a softmax"
        )


def mean_loss(loss, y, outputs):
    """The mean of a loss over a set's examples, as Keras computes it.

    Args:
        loss: as `compile` takes it, and `check_loss` lets it pass.
        y: `(examples,)` labels or `(examples, outputs)` targets.
        outputs: `(examples, outputs)`; in half precision, they are made float32 first.
    """
    loss = as_loss(loss)
    mask = mask_of(outputs)
    # Float32 by default, as in Keras; but never less than the network computes in.
    dtype = max(tf.as_dtype(loss.dtype), outputs.dtype, key=lambda d: d.size)
    y, outputs = tf.cast(y, dtype), tf.cast(outputs, dtype)
    if type(loss).__call__ is not keras.losses.Loss.__call__:
        return _own(loss, y, outputs)
    losses = loss.call(y, outputs)
    # Keras's own mean is over what no mask of the network (Masking) or the loss (ignore_class)
    # leaves out; and it divides by the replicas, where ours is one task's.
    masks = [tf.cast(m, losses.dtype) for m in (mask, mask_of(losses)) if m is not None]
    if not masks:
        return tf.reduce_mean(losses)
    weights = tf.broadcast_to(tf.math.reduce_prod(tf.stack(masks), 0), tf.shape(losses))
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def _own(loss, y, outputs):
    """A loss that computes its mean itself."""
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
