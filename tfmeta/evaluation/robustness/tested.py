"""A learner on the same episodes, as they are and under each condition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.answers import learned_and_asked
from tfmeta.evaluation.calibration import Answers, expected_calibration_error, unknown_auroc
from tfmeta.evaluation.paired import LEAST_TASKS, holding, paired_difference
from tfmeta.evaluation.robustness.condition import Condition, unchanged
from tfmeta.evaluation.robustness.conditioned import ConditionedTasks
from tfmeta.evaluation.robustness.other_classes import OtherClasses
from tfmeta.evaluation.scored import scored
from tfmeta.evaluation.task_score import task_score
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import refilled, unpadded

_ABSENT = -1e9  # the logit of a class for which an answer has no column


@dataclass(frozen=True)
class Tested:
    """A learner under one condition.

    Attributes:
        row: `name`, `severity`, `strength`, `part`, the score under its name and `ci95`; for
            classes `ece`, and `unknown_auroc`, how often a query of another class has a higher
            unknown score than one of a known class, None where there are none.
        scores: `(tasks,)`.
    """

    row: dict[str, Any]
    scores: np.ndarray

    __test__ = False  # pytest takes classes with such a name for tests


class TestedConditions:
    """Tests a learner under conditions; its answers are traced once.

    Args:
        learner: any MetaLearner.
        fixed: the episodes, the same under all conditions.
        confidence: how sure its answers are; as they are by default.
    """

    __test__ = False  # pytest takes classes with such a name for tests

    def __init__(
        self, learner: MetaLearner, fixed: FixedEpisodes, confidence: Confidence | None = None
    ):
        self._learner, self._fixed = learner, fixed
        self._confidence = confidence or Confidence()
        self._kind = fixed.source.target_kind
        self._tasks, self._others = ConditionedTasks(learner, fixed), OtherClasses(fixed)
        self._answer = tf.function(partial(self._answer_tasks), autograph=False)

    def tested(
        self, conditions: Sequence[Condition], on_progress: Callable[[int, int], None]
    ) -> list[Tested]:
        """The learner on the episodes as they are, and then under each condition.

        Args:
            conditions: which.
            on_progress: called with the number of conditions done and of all of them.
        """
        found = []
        for number, condition in enumerate((unchanged(), *conditions)):
            found.append(self.test(condition))
            on_progress(number + 1, len(conditions) + 1)
        return found

    def test(self, condition: Condition) -> Tested:
        """The learner under one condition."""
        scores, known, labels, unknown = [], [], [], []
        for batch, is_other in self._batches(condition):
            of_task, outputs, others = (each.numpy() for each in self._answer(batch))
            scores.append(of_task)
            known += _of_queries(outputs, batch)
            labels += _of_queries(np.asarray(batch.query_y), batch)
            unknown += [rows[mask] for rows, mask in zip(others, is_other, strict=False)]
        by_task = np.concatenate(scores).astype(np.float64)
        row = {key: getattr(condition, key) for key in ("name", "severity", "strength", "part")}
        row |= scored(self._kind.metric, by_task)
        if not self._kind.are_values:
            answers = _answers(known, labels, unknown)
            row["ece"] = expected_calibration_error(self._confidence, answers)
            row["unknown_auroc"] = unknown_auroc(self._confidence, answers)
        return Tested(row, by_task)

    def _batches(self, condition: Condition) -> Any:
        batches = self._tasks.batches(condition)
        if self._others.there_are:
            return self._others.beside(batches)
        return ((batch, ()) for batch in batches)

    def _answer_tasks(self, episodes: Any) -> Any:
        return self._learner.map_tasks(self._answer_task, episodes)

    def _answer_task(self, task: Any, *, sizes: CommonSizes) -> Any:
        """The score, the outputs, and the outputs to queries of other classes."""
        episode = unpadded(task)
        others = getattr(task, "other_x", None)
        groups = (episode.query_x,) if others is None else (episode.query_x, others)
        support = (episode.support_x, episode.support_y)
        found = learned_and_asked(self._learner, support, groups, sizes)
        score = task_score(episode.query_y, found[0], kind=self._kind)
        return score, refilled(found[0], task), found[1] if len(found) > 1 else found[0][:0]


def _of_queries(values: np.ndarray, batch: Any) -> list[np.ndarray]:
    """Each task's part of `(tasks, queries, ...)`, without padding."""
    sizes = getattr(batch, "query_size", None)
    if sizes is None:
        return list(values)
    return [rows[:size] for rows, size in zip(values, np.asarray(sizes), strict=True)]


def _answers(
    known: list[np.ndarray], labels: list[np.ndarray], unknown: list[np.ndarray]
) -> Answers:
    """The logits of all tasks; a mislabelled class may have no example, and so no column."""
    width = max(each.shape[-1] for each in known)

    def together(parts: list[np.ndarray]) -> np.ndarray:
        filled = [
            np.pad(each, ((0, 0), (0, width - each.shape[-1])), constant_values=_ABSENT)
            for each in parts
        ]
        return np.concatenate([np.zeros((0, width), known[0].dtype), *filled])

    return Answers(together(known), np.concatenate(labels), together(unknown))


def with_differences(
    found: Sequence[Tested], others: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The rows with their paired differences to the first one.

    Args:
        found: of the same tasks, the first one as they are.
        others: rows of other tasks, each with its difference and `p`; they come after.

    Returns:
        All but the first with `difference` to the clean episodes, `difference_ci95`, `p_corrected`
        by Holm's method and whether it `holds`; one task has no differences.
    """
    clean, *changed = found
    if len(clean.scores) < LEAST_TASKS:
        return [*(each.row for each in found), *others]
    paired = [{**e.row, **paired_difference(e.scores, clean.scores)} for e in changed]
    stated = holding([*paired, *others])
    return [clean.row, *({k: v for k, v in row.items() if k != "p"} for row in stated)]
