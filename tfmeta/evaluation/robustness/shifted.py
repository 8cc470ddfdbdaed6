"""A learner on episodes of other data than it was trained on."""

from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.paired import LEAST_TASKS, unpaired_difference
from tfmeta.evaluation.robustness.condition import unchanged
from tfmeta.evaluation.robustness.tested import TestedConditions
from tfmeta.learners.meta_learner import MetaLearner


def shifted_row(
    learner: MetaLearner, fixed: FixedEpisodes, confidence: Confidence, clean: np.ndarray
) -> dict[str, Any]:
    """The row of other data, with its difference to the clean episodes, which are other tasks.

    Args:
        learner: any MetaLearner.
        fixed: episodes of other data.
        confidence: how sure the learner's answers are.
        clean: `(tasks,)`, its scores on the clean episodes.
    """
    condition = unchanged(fixed.source.name, strength="other data", part="episodes")
    found = TestedConditions(learner, fixed, confidence).test(condition)
    if len(clean) < LEAST_TASKS:
        return found.row
    return {**found.row, **unpaired_difference(found.scores, clean)}
