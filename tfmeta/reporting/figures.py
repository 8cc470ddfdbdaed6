"""Scores and differences as a report writes them."""

from typing import Any

import numpy as np

from tfmeta.evaluation.evaluator import mean_and_ci95
from tfmeta.evaluation.written import PLUS_MINUS, written_difference, written_score


def score(metric: str, value: float, ci95: float | None = None) -> str:
    """As `written_score`."""
    return written_score(metric, value, ci95).replace(PLUS_MINUS, "±")


def mean_score(metric: str, scores: np.ndarray) -> str:
    """The mean of scores `(tasks,)` with its interval, which one task alone does not have."""
    return score(metric, *mean_and_ci95(scores))


def difference(metric: str, row: dict[str, Any]) -> str:
    """As `written_difference`."""
    return written_difference(metric, row).replace(PLUS_MINUS, "±")
