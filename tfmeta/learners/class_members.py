"""Which class each support example belongs to, and sums over the classes."""

from typing import Any

import tensorflow as tf

from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes

_ABSENT = -1e9  # the logit of a class without an example: a probability of exactly zero


def membership(support_y: tf.Tensor, dtype: Any, sizes: CommonSizes = ITS_OWN) -> tf.Tensor:
    """A matrix `(support, classes)`: one if the example belongs to the class, else zero."""
    num_classes = sizes.num_classes
    depth = tf.reduce_max(support_y) + 1 if num_classes is None else num_classes
    return tf.one_hot(support_y, depth, dtype=dtype)


def kept_examples(examples: tf.Tensor, members: tf.Tensor, sizes: CommonSizes) -> dict[str, Any]:
    """The task state of a method that keeps every example: `support` and `members`.

    A row of `members` without a one stands for no example. If tasks that run together have support
    sets of several sizes, such rows fill up the smaller ones.
    """
    return {"support": filled_up(examples, sizes), "members": filled_up(members, sizes)}


def filled_up(rows: tf.Tensor, sizes: CommonSizes) -> tf.Tensor:
    """A row per example `(support, ...)`, and rows of zeros up to what the sizes have room for."""
    if sizes.num_examples is None:
        return rows
    missing = sizes.num_examples - tf.shape(rows)[0]
    return tf.pad(rows, [[0, missing], *([0, 0] for _ in rows.shape[1:])])


def class_sums(examples: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    """The sums over each class's examples, `(classes, ...)`; zero for a class without examples.

    A sum is the same to the last bit for any number of columns and for any other examples. A matrix
    product with the members would not be. But the answer for a task must not depend on the other
    tasks of its batch, nor the answer to a query on the other queries.

    Args:
        examples: `(support, ...)`; an example that belongs to no class is zero.
        members: what `membership` returns.
    """
    num_classes = members.shape[1] or tf.shape(members)[1]
    return tf.math.unsorted_segment_sum(examples, tf.argmax(members, 1), num_classes)


def class_means(examples: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
    """The mean of each class's examples, `(classes, ...)`, from `class_sums`."""
    shots = tf.maximum(tf.reduce_sum(members, 0), 1.0)
    sums = class_sums(examples, members)
    return sums / tf.reshape(shots, (-1, *(1 for _ in examples.shape[1:])))


def without_absent(outputs: tf.Tensor, shots: tf.Tensor) -> tf.Tensor:
    """Logits `(queries, classes)` in which a class without examples (`shots` 0) can't win."""
    return tf.where(shots[tf.newaxis] > 0, outputs, tf.cast(_ABSENT, outputs.dtype))


def is_possible(outputs: tf.Tensor) -> tf.Tensor:
    """Which logits `(queries, classes)` belong to a class that has examples."""
    return outputs > _ABSENT / 2
