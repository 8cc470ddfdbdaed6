"""Tasks' scores as a part of what is reported."""

import numpy as np

from tfmeta.evaluation.evaluator import mean_and_ci95


def scored(metric: str, scores: np.ndarray) -> dict[str, float | None]:
    """The mean of scores `(tasks,)` under the metric's name, and `ci95`, None for one task."""
    return dict(zip((metric, "ci95"), mean_and_ci95(scores), strict=True))
