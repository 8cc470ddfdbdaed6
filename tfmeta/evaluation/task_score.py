"""The score of one task: everything that measures a learner's answers takes this one."""

from typing import Any

import tensorflow as tf


def task_score(right: Any, outputs: Any, *, are_values: bool) -> Any:
    """The share of right answers, or the mean squared error: a scalar.

    Args:
        right: `(queries,)` labels, or `(queries, outputs)` values.
        outputs: `(queries, classes)` logits, or values as `right`.
        are_values: whether targets are values.
    """
    if are_values:
        return tf.reduce_mean(tf.math.squared_difference(right, outputs))
    is_right = tf.argmax(outputs, -1, output_type=right.dtype) == right
    return tf.reduce_mean(tf.cast(is_right, tf.float32))
