"""A learner on the same episodes, as they are and under each condition."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.calibration import Answers, expected_calibration_error
from tfmeta.evaluation.evaluator import mean_and_ci95
from tfmeta.evaluation.paired import LEAST_TASKS, holding, paired_difference
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import refilled, unpadded, unpadded_arrays

_TASKS_PER_CALL = 10
_ABSENT = -1e9  # the logit of a class for which an answer has no column


class TestedConditions:
    """Tests a learner under conditions; its answers are traced once.

    Args:
        learner: any MetaLearner.
        fixed: the episodes, the same under all conditions.
    """

    __test__ = False  # pytest takes classes with such a name for tests

    def __init__(self, learner: MetaLearner, fixed: FixedEpisodes):
        self._learner, self._fixed = learner, fixed
        self._are_values = fixed.source.target_kind.are_values
        self._answer = tf.function(self._answer_tasks, autograph=False)

    def rows(
        self, conditions: Sequence[Condition], on_progress: Callable[[int, int], None]
    ) -> list[dict[str, Any]]:
        """What the learner scores as the episodes are, and then under each condition.

        Args:
            conditions: which.
            on_progress: called with the number of conditions done and of all of them.

        Returns:
            A row each: `name`, `severity`, `strength`, `part`, the score under its name, `ci95`,
            for classes `ece`; and for conditions `difference` to the clean episodes,
            `difference_ci95`, `p_corrected` by Holm's method and whether it `holds`.
        """
        clean = Condition("clean", 0, "", "", lambda batch, first: batch)
        rows, by_task = [], []
        for number, condition in enumerate((clean, *conditions)):
            scores, ece = self._tested(condition)
            row = {key: getattr(condition, key) for key in ("name", "severity", "strength", "part")}
            mean, ci95 = mean_and_ci95(scores)
            row |= {self._fixed.source.target_kind.metric: mean, "ci95": ci95}
            rows.append(row if ece is None else {**row, "ece": ece})
            by_task.append(scores)
            on_progress(number + 1, len(conditions) + 1)
        return _with_differences(rows, by_task)

    def _tested(self, condition: Condition) -> tuple[np.ndarray, float | None]:
        """The score of each task, and for classes the calibration error of all answers."""
        scores, logits, labels, first = [], [], [], 0
        for batch in self._fixed.batches(_TASKS_PER_CALL):
            arrays = type(batch)(*map(np.asarray, batch))
            changed = condition.change(arrays, first)
            outputs = self._answer(changed).numpy()
            first += len(outputs)
            for task, answers in zip(unpadded_arrays(arrays), outputs, strict=True):
                answers, right = answers[: len(task.query_y)], task.query_y
                if self._are_values:
                    scores.append(np.mean((answers - right) ** 2))
                else:
                    scores.append(np.mean(answers.argmax(-1) == right))
                    logits.append(answers)
                    labels.append(right)
        by_task = np.array(scores, np.float64)
        return by_task, None if self._are_values else _calibration_error(logits, labels)

    def _answer_tasks(self, episodes: Any) -> Any:
        return self._learner.map_tasks(self._answer_task, episodes)

    def _answer_task(self, task: Any, *, sizes: CommonSizes) -> Any:
        episode = unpadded(task)
        state = sizes.given_to(self._learner.adapt)(episode.support_x, episode.support_y)
        return refilled(self._learner.predict_with(state, episode.query_x), task)


def _calibration_error(logits: list[np.ndarray], labels: list[np.ndarray]) -> float:
    """Of the softmax as it is; a mislabelled class may have no example, and so no column."""
    width = max(each.shape[-1] for each in logits)
    filled = [
        np.pad(each, ((0, 0), (0, width - each.shape[-1])), constant_values=_ABSENT)
        for each in logits
    ]
    known = np.concatenate(filled)
    answers = Answers(known, np.concatenate(labels), np.zeros((0, width), known.dtype))
    return expected_calibration_error(Confidence(), answers)


def _with_differences(
    rows: list[dict[str, Any]], by_task: list[np.ndarray]
) -> list[dict[str, Any]]:
    """The rows with their paired differences to the first one."""
    clean, *others = by_task
    if len(clean) < LEAST_TASKS:
        return rows
    stated = holding([paired_difference(scores, clean) for scores in others])
    for each in stated:
        del each["p"]
    return [rows[0], *({**row, **each} for row, each in zip(rows[1:], stated, strict=True))]
