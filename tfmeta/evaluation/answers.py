"""One task learned once, and what is then answered."""

from typing import Any

from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner


def learned_and_asked(
    learner: MetaLearner, support: tuple[Any, Any], queries: tuple[Any, ...], sizes: CommonSizes
) -> tuple[Any, ...]:
    """A learner's outputs to several groups of queries of one task.

    Each group is answered by itself, because in the transductive mode queries influence each other.

    Args:
        learner: any MetaLearner.
        support: `(support_x, support_y)` of the task.
        queries: each `(queries, ...)`.
        sizes: of the batch that the task is in.
    """
    state = sizes.given_to(learner.adapt)(*support)
    return tuple(learner.predict_with(state, each) for each in queries)
