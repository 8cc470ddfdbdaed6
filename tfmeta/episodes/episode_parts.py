"""Parts of an episode of classes, as operations of a graph."""

from typing import Any

import tensorflow as tf

from tfmeta.episodes.episode import Episode


def turned(x: Any, turns: Any) -> tf.Tensor:
    """Turns images `(tasks, ways, examples, h, w, c)` by each class's number of quarter turns."""
    flat = tf.reshape(x, (-1, *x.shape[3:]))
    turns = tf.repeat(tf.reshape(turns, [-1]), tf.shape(x)[2])
    parts = tf.dynamic_partition(flat, turns, 4)
    places = tf.dynamic_partition(tf.range(tf.shape(flat)[0]), turns, 4)
    parts = [tf.image.rot90(part, number) for number, part in enumerate(parts)]
    return tf.reshape(tf.dynamic_stitch(places, parts), tf.shape(x))


def own_labels(numbers: Any) -> tf.Tensor:
    """The labels of an episode's classes `(tasks, ways)`: 0, 1 and so on."""
    return tf.tile(tf.range(numbers.shape[1])[tf.newaxis], (tf.shape(numbers)[0], 1))


def episode_of(x: Any, labels: tuple[tf.Tensor, tf.Tensor], num_shots: int) -> Episode:
    """Cuts examples `(tasks, ways, shots + queries, ...)` into support and query set.

    Args:
        x: the examples.
        labels: of the classes of both sets, `(tasks, ways)` each.
        num_shots: support examples per class.
    """
    tasks, ways, examples = tf.shape(x)[0], x.shape[1], x.shape[2]

    def part(values: Any, own: tf.Tensor, number: Any) -> Any:
        return (
            tf.reshape(values, (tasks, ways * number, *x.shape[3:])),
            tf.repeat(own, number, axis=1),
        )

    support = part(x[:, :, :num_shots], labels[0], num_shots)
    return Episode(*support, *part(x[:, :, num_shots:], labels[1], examples - num_shots))
