"""Batches of test tasks under a condition, as a learner takes them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.learners.meta_learner import MetaLearner

_TASKS_PER_CALL = 10


class ConditionedTasks:
    """The same tasks under one condition after another.

    A frozen network's features of examples that stay as they are come from the learner's own
    store, so that only examples that a condition makes anew are embedded again.

    Args:
        learner: that takes the tasks.
        fixed: the tasks.
    """

    def __init__(self, learner: MetaLearner, fixed: FixedEpisodes):
        self._learner, self._raw = learner, fixed
        embedded = learner.embedded(fixed.source, fixed.split)
        is_embedded = embedded is not fixed.source
        self._features = replace(fixed, source=embedded) if is_embedded else None

    def batches(self, condition: Condition) -> Iterator[Any]:
        """Changed batches, of the same tasks in the same order; all arrays.

        Args:
            condition: that changes them.
        """
        first = 0
        taken = self._raw if self._features is None else self._features
        if self._features is None or condition.keeps_examples:
            for batch in map(_arrays, taken.batches(_TASKS_PER_CALL)):
                yield condition.change(batch, first)
                first += len(batch.query_y)
            return
        field = f"{condition.part}_x"
        both = (each.batches(_TASKS_PER_CALL) for each in (self._raw, taken))
        for batch, features in zip(*both, strict=True):
            changed = getattr(condition.change(_arrays(batch), first), field)
            yield _arrays(features)._replace(**{field: self._embedded(changed)})
            first += len(changed)

    def _embedded(self, x: np.ndarray) -> np.ndarray:
        """`(tasks, examples, ...)` -> `(tasks, examples, features)`."""
        # Task by task, because the examples may be large.
        each = [self._learner.as_embedded(tf.convert_to_tensor(task)) for task in x]
        return np.stack([np.asarray(features) for features in each])


def _arrays(batch: Any) -> Any:
    return type(batch)(*map(np.asarray, batch))
