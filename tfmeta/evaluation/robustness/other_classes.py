"""Queries of classes that a task does not have: those of the task before it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes

_TASKS_PER_CALL = 50


class TasksAndOthers(NamedTuple):
    """Episodes, and queries of others.

    Attributes:
        support_x, support_y, query_x, query_y: see `Episode`.
        other_x: `(tasks, queries, ...)`, the queries of the task before.
    """

    support_x: Any
    support_y: Any
    query_x: Any
    query_y: Any
    other_x: Any


class OtherClasses:
    """Which queries of the task before are of no class of a task.

    They were changed as that task's queries are, and by an attack so that their own task is
    answered wrongly.

    Args:
        fixed: the tasks; classes are told apart by their names.
    """

    def __init__(self, fixed: FixedEpisodes):
        self._is_other = _is_other(fixed)

    @property
    def there_are(self) -> bool:
        return self._is_other is not None and bool(self._is_other.any())

    def beside(self, batches: Iterator[Any]) -> Iterator[tuple[Any, np.ndarray]]:
        """Batches of all tasks in their order, with `(tasks, queries)`, which others are unknown.

        Args:
            batches: of Episodes of arrays.
        """
        if self._is_other is None:
            raise ValueError("these tasks have no names of classes; ask there_are before")
        first, before = 0, None
        for batch in batches:
            x = np.asarray(batch.query_x)
            others = np.concatenate([x[:1] if before is None else before, x[:-1]])
            parts = (batch.support_x, batch.support_y, batch.query_x, batch.query_y)
            yield TasksAndOthers(*parts, others), self._is_other[first : first + len(x)]
            first, before = first + len(x), x[-1:]


def _is_other(fixed: FixedEpisodes) -> np.ndarray | None:
    """`(tasks, queries)`; None if classes have no names, or tasks are of several sizes."""
    shape = fixed.shape
    if fixed.source.target_kind.are_values or shape.varies:
        return None
    names = fixed.source.names_of_classes(fixed.split, shape, fixed.seed, fixed.num_tasks)
    if names is None:
        return None
    batches = fixed.batches(_TASKS_PER_CALL, fixed.source.numbered())
    labels = np.concatenate([np.asarray(batch.query_y) for batch in batches])
    found = np.zeros(labels.shape, bool)
    for task in range(1, len(names)):
        is_new = np.array([name not in set(names[task]) for name in names[task - 1]])
        found[task] = is_new[labels[task - 1]]
    return found
