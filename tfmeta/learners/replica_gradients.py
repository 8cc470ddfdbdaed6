"""A replica's gradients as an optimizer of Keras is to get them."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def shares_of(optimizer: Any, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Gradients whose sum over the replicas is the mean, clipped as the optimizer says.

    Keras's optimizer sums over the replicas, and divides by the scale of the loss. It clips before
    it sums, so that several replicas would clip their parts, and not the gradient. So the mean is
    clipped here; its shares are too short to be clipped again.

    Args:
        optimizer: Keras's, perhaps one that scales the loss.
        gradients: the means of this replica's tasks.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1:
        gradients = _clipped(getattr(optimizer, "inner_optimizer", optimizer), list(gradients))
    return [optimizer.scale_loss(gradient / replicas) for gradient in gradients]


def _clipped(optimizer: Any, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    each, together, value = optimizer.clipnorm, optimizer.global_clipnorm, optimizer.clipvalue
    if not (each or together or value):
        return gradients
    replica = tf.distribute.get_replica_context()
    means = replica.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
    if each:
        return [tf.clip_by_norm(mean, each) for mean in means]
    if together:
        clipped: list[tf.Tensor] = tf.clip_by_global_norm(means, together)[0]
        return clipped
    return [tf.clip_by_value(mean, -value, value) for mean in means]
