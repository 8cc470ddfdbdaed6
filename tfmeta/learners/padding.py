"""Episodes of several sizes in one batch: each task is run without its padding.

The padding is cut off and not masked. So a network's batch statistics and a method's pairs see only
the task's own examples, and the task's numbers are the same as they would be alone.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode


def is_padded(episodes: Any) -> bool:
    return isinstance(episodes, PaddedEpisode)


def unpadded(task: Any) -> Any:
    """One task's Episode without its padding; an Episode without padding is returned unchanged."""
    if not is_padded(task):
        return task
    support, query = task.support_size, task.query_size
    return Episode(
        task.support_x[:support],
        task.support_y[:support],
        task.query_x[:query],
        task.query_y[:query],
    )


def unpadded_arrays(episodes: Any) -> Iterator[Episode]:
    """The tasks of a batch without their padding, one by one, each an Episode of arrays."""
    parts = [np.asarray(tensor) for tensor in episodes]
    for task in range(len(parts[0])):
        task_arrays = type(episodes)(*(each[task] for each in parts))
        yield Episode(*map(np.asarray, unpadded(task_arrays)))


def refilled(outputs: tf.Tensor, task: Any) -> tf.Tensor:
    """A task's outputs `(queries, ...)`, padded with zeros to the largest number of queries."""
    if not is_padded(task):
        return outputs
    missing = tf.shape(task.query_y)[0] - tf.shape(outputs)[0]
    filled = tf.pad(outputs, [[0, missing], *([0, 0] for _ in outputs.shape[1:])])
    return tf.ensure_shape(filled, (task.query_y.shape[0], *outputs.shape[1:]))


def flat_queries(episodes: Any, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Targets and outputs `(tasks, queries, ...)` -> both `(all queries, ...)`, without padding."""
    pair = (episodes.query_y, outputs)
    if is_padded(episodes):
        is_query = tf.sequence_mask(episodes.query_size, tf.shape(outputs)[1])
        return tuple(tf.boolean_mask(tensor, is_query) for tensor in pair)
    return tuple(tf.reshape(t, tf.concat([[-1], tf.shape(t)[2:]], 0)) for t in pair)


def query_weights(episodes: Any) -> tf.Tensor | None:
    """How much each of `flat_queries` counts in a mean over tasks; None if all count the same."""
    if not is_padded(episodes):
        return None
    shares = 1 / tf.cast(episodes.query_size, keras.config.floatx())
    return tf.repeat(shares, episodes.query_size)
