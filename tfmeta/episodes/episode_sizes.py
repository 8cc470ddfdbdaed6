"""Episodes of several sizes: draws the size of each, and pads all to one static shape."""

from typing import Any

import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode
from tfmeta.episodes.episode_shape import EpisodeShape

_NO_LABEL = -1


def words_for_sizes(shape: EpisodeShape) -> int:
    """The number of 32-bit words that an episode needs to draw its sizes; 0 if they don't vary."""
    return 2 + shape.num_ways if shape.varies else 0


def present(shape: EpisodeShape, words: Any) -> Any:
    """Which examples of an episode of the largest size are kept.

    Args:
        shape: of the episodes.
        words: int32 `(tasks, words_for_sizes(shape))`, random.

    Returns:
        bool `(tasks, ways, shots)` and `(tasks, ways, queries)`.
    """
    ways = _drawn(shape.ways, words[:, :1])
    queries = _drawn(shape.queries, words[:, 1:2])
    shots = words[:, 2:] if shape.unbalanced else tf.repeat(words[:, 2:3], shape.num_ways, 1)
    shots = _drawn(shape.shots, shots)
    has_class = tf.range(shape.num_ways) < ways
    support = tf.range(shape.num_shots) < shots[..., tf.newaxis]
    query = tf.range(shape.num_queries) < queries[..., tf.newaxis]
    return (tf.logical_and(has_class[..., tf.newaxis], part) for part in (support, query))


def _drawn(numbers: Any, words: Any) -> Any:
    return numbers.least + tf.math.floormod(words, numbers.most - numbers.least + 1)


def sized(episode: Episode, shape: EpisodeShape, words: Any) -> Any:
    """The episode unchanged, or if the shape varies, cut to its own size.

    Args:
        episode: `(tasks, examples, ...)`.
        shape: of the episodes.
        words: see `present`; not used if the shape does not vary.
    """
    if not shape.varies:
        return episode
    return padded(episode, *present(shape, words[:, : words_for_sizes(shape)]))


def padded(episode: Episode, support_present: Any, query_present: Any) -> PaddedEpisode:
    """Moves the examples that are kept to the front of each set, and clears the others.

    Args:
        episode: of the largest size, `(tasks, examples, ...)`.
        support_present: bool `(tasks, ways, shots)`, whether each example is kept.
        query_present: bool `(tasks, ways, queries)`.
    """
    support_x, support_y, support_size = _packed(*episode[:2], support_present)
    query_x, query_y, query_size = _packed(*episode[2:], query_present)
    return PaddedEpisode(support_x, support_y, query_x, query_y, support_size, query_size)


def _packed(x: Any, y: tf.Tensor, is_present: Any) -> Any:
    is_present = tf.reshape(is_present, tf.shape(x)[:2])
    order = tf.argsort(tf.cast(~is_present, tf.int32), 1, stable=True)
    is_present = tf.gather(is_present, order, batch_dims=1)

    def moved(values: Any, empty: Any) -> tf.Tensor:
        values = tf.ensure_shape(tf.gather(values, order, batch_dims=1), values.shape)
        mask = tf.reshape(
            is_present, (*tf.unstack(tf.shape(order)), *([1] * (len(values.shape) - 2)))
        )
        return tf.where(mask, values, tf.cast(empty, values.dtype))

    no_answer = _NO_LABEL if y.dtype.is_integer else 0
    return moved(x, 0), moved(y, no_answer), tf.reduce_sum(tf.cast(is_present, tf.int32), 1)
