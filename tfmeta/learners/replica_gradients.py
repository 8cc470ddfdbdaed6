"""A replica's gradients as an optimizer of Keras is to get them."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def shares_of(optimizer: Any, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Gradients whose sum over the replicas is the mean, clipped as the optimizer says.

    Keras's optimizer sums over the replicas, and divides by the scale of the loss. It clips before
    it sums, so that several replicas would clip their parts, and not the gradient. So the mean is
    clipped here; its shares are too short to be clipped again. And where float32 can't hold the
    square of a gradient's length, Keras's `global_clipnorm` makes NaN of it; here it is shortened.

    Args:
        optimizer: Keras's, perhaps one that scales the loss.
        gradients: the means of this replica's tasks.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    clipping, found = getattr(optimizer, "inner_optimizer", optimizer), list(gradients)
    each, together, value = clipping.clipnorm, clipping.global_clipnorm, clipping.clipvalue
    if replicas > 1 and (each or together or value):
        replica = tf.distribute.get_replica_context()
        found = replica.all_reduce(tf.distribute.ReduceOp.MEAN, found)
    if each:
        found = [tf.clip_by_norm(gradient, each) for gradient in found]
    elif together:
        found = shortened(found, together)
    elif value:
        found = [tf.clip_by_value(gradient, -value, value) for gradient in found]
    return [optimizer.scale_loss(gradient / replicas) for gradient in found]


def shortened(gradients: Sequence[tf.Tensor], most: float) -> list[tf.Tensor]:
    """Gradients whose length, of all together, is at most so much, in the same direction.

    What is not finite stays so. Pascanu et al. 2013, https://arxiv.org/abs/1211.5063, algorithm 1.
    """
    largest = tf.reduce_max([tf.reduce_max(tf.abs(gradient)) for gradient in gradients])
    largest = tf.where(largest == 0, 1.0, largest)  # all are zero
    squares = [tf.reduce_sum((gradient / largest) ** 2) for gradient in gradients]
    factor = tf.minimum(1.0, most / largest / tf.sqrt(tf.add_n(squares)))
    return [gradient * factor for gradient in gradients]
