"""The score of one task: everything that measures a learner's answers takes this one."""

from typing import Any

import tensorflow as tf

from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.episodes.target_kind import TargetKind


def task_score(right: Any, outputs: Any, *, kind: TargetKind, tried: int = -1) -> Any:
    """The share of right answers, the mean squared error, or the return: a scalar.

    Args:
        right: `(queries,)` labels, `(queries, outputs)` values, or what a policy did.
        outputs: `(queries, classes)` logits, values as `right`, or a policy's answers.
        kind: of the targets.
        tried: for actions: the place of the policy among those that were tried, from the last one
            if it is negative.
    """
    if not kind.are_right_answers:
        columns = PolicyTargets.of_answers(outputs.shape[-1])
        return columns.mean_return(right, tried % columns.num_tried(right))
    if kind.are_values:
        return tf.reduce_mean(tf.math.squared_difference(right, outputs))
    is_right = tf.argmax(outputs, -1, output_type=right.dtype) == right
    return tf.reduce_mean(tf.cast(is_right, tf.float32))
