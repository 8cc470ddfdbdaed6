"""What a learner answers when it adapts without some of the support examples."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode
from tfmeta.learners.task_model import TaskModel

_MOST_TASKS = 32  # that are learned in one call
_MOST_BYTES = 64 * 2**20  # of their support sets


def copies(x: Any, y: Any = None) -> list[np.ndarray]:
    """The places of the examples that are the same to the bit, in the order of the first ones.

    Args:
        x: `(examples, ...)`.
        y: `(examples, ...)` their targets, which must be the same too; None if only x counts.
    """
    groups: dict[bytes, list[int]] = {}
    for place, example in enumerate(np.asarray(x)):
        digest = hashlib.sha256(example.tobytes())
        if y is not None:
            digest.update(np.asarray(y[place]).tobytes())
        groups.setdefault(digest.digest(), []).append(place)
    return [np.array(places) for places in groups.values()]


def can_do_without(num_outputs: Any, support_y: np.ndarray, places: np.ndarray) -> bool:
    """Whether a learner can adapt without these examples, and answer for the same classes.

    A head of a fixed size has a column for a class without examples too: it knows only where
    training left it. A method that has a column for each class of the support set has none.

    Args:
        num_outputs: of the learner's head; None if it has a column for each class.
        support_y: of the support set.
        places: of the examples.
    """
    rest = np.delete(support_y, places, 0)
    if not len(rest):
        return False
    is_lost = set(np.unique(support_y)) - set(np.unique(rest)) if rest.ndim == 1 else set()
    return not is_lost or num_outputs is not None


def answers_without(
    learner: TaskModel,
    support: tuple[Any, Any],
    query_x: Any,
    groups: Sequence[np.ndarray],
    on_progress: Callable[[int, int], None],
) -> np.ndarray:
    """The outputs after adapting without each group of examples: `(groups, queries, outputs)`.

    They come from the learner's own `adapt` and `predict_with`, so they are exact.

    Args:
        learner: that takes these examples.
        support: its x `(support, ...)` and y.
        query_x: `(queries, ...)`.
        groups: the places of the examples in each group, of which `can_do_without` is true.
        on_progress: called with the number of groups done, and of all.
    """
    found: list[Any] = [None] * len(groups)
    done = 0
    for size in sorted({len(group) for group in groups}):
        numbers = [n for n, group in enumerate(groups) if len(group) == size]
        answer = _traced(learner, support, query_x, len(support[1]) - size)
        most = _tasks_per_call(support[0])
        for start in range(0, len(numbers), most):
            part = numbers[start : start + most]
            rows = np.arange(len(support[1]))
            kept = np.stack([np.delete(rows, groups[n]) for n in part])
            for number, outputs in zip(part, answer(tf.constant(kept)).numpy(), strict=True):
                found[number] = outputs
            done += len(part)
            on_progress(done, len(groups))
    return np.stack(found)


def _tasks_per_call(support_x: Any) -> int:
    size = int(np.prod(support_x.shape)) * support_x.dtype.size
    return max(1, min(_MOST_TASKS, _MOST_BYTES // max(1, size)))


def _traced(learner: TaskModel, support: tuple[Any, Any], query_x: Any, num_kept: int) -> Any:
    """A function: the rows that each task keeps `(tasks, num_kept)` -> outputs of the queries."""
    x, y = support

    def answer(kept: tf.Tensor) -> tf.Tensor:
        tasks = tf.shape(kept)[0]
        queries = tf.repeat(query_x[tf.newaxis], tasks, 0)
        # Their targets are not looked at.
        query_y = tf.repeat(tf.zeros_like(y[:1])[tf.newaxis], tasks, 0)
        query_y = tf.repeat(query_y, query_x.shape[0], 1)
        return learner.call(Episode(tf.gather(x, kept), tf.gather(y, kept), queries, query_y))

    rows = tf.TensorSpec((None, num_kept), tf.int64)
    return tf.function(answer, autograph=False).get_concrete_function(rows)
