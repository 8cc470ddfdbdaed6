"""Differences of scores, and which of several hold."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfmeta.evaluation.evaluator import mean_and_ci95

LEVEL = 0.05  # of all differences that are stated together
LEAST_TASKS = 2


def paired_difference(scores: np.ndarray, others: np.ndarray) -> dict[str, float | None]:
    """The mean difference over the tasks, its 95% interval, and how likely chance is that large.

    Args:
        scores, others: `(tasks,)`, of the same tasks in the same order; two or more.

    Returns:
        `difference` (the mean of `scores - others`), `difference_ci95` (half of its interval) and
        `p`, of the paired t-test: 1 where no task differs, and 0 where all differ by the same.
    """
    from scipy.stats import t as t_distribution

    by_task = np.asarray(scores, np.float64) - np.asarray(others, np.float64)
    mean, ci95 = mean_and_ci95(by_task)
    error = by_task.std(ddof=1) / math.sqrt(len(by_task))
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = float(2 * t_distribution.sf(abs(mean) / error, len(by_task) - 1))
    return {"difference": mean, "difference_ci95": ci95, "p": p}


def unpaired_difference(scores: np.ndarray, others: np.ndarray) -> dict[str, float | None]:
    """As `paired_difference`, of two groups of tasks that have nothing to do with each other.

    Args:
        scores, others: `(tasks,)` each, of two tasks or more.

    Returns:
        `p` is that of Welch's t-test.
    """
    from scipy.stats import ttest_ind

    scores, others = (np.asarray(each, np.float64) for each in (scores, others))
    (mean, ci95), (other_mean, other_ci95) = (mean_and_ci95(each) for each in (scores, others))
    both = math.hypot(ci95 or 0.0, other_ci95 or 0.0)
    if both == 0:
        p = 1.0 if mean == other_mean else 0.0
    else:
        p = float(ttest_ind(scores, others, equal_var=False).pvalue)
    return {"difference": mean - other_mean, "difference_ci95": both, "p": p}


def differences(
    scores: Mapping[str, np.ndarray], pairs: Iterable[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Several paired differences, and which of them hold together.

    Args:
        scores: `(tasks,)` of each name, of the same tasks in the same order.
        pairs: of names.

    Returns:
        For each pair what `paired_difference` finds of the first minus the second, with their names
        `of` and `than`, `p_corrected` by Holm's method for the number of pairs, and whether it
        `holds`: whether that is less than 5%.
    """
    found: list[dict[str, Any]] = [
        {"of": one, "than": other, **paired_difference(scores[one], scores[other])}
        for one, other in pairs
    ]
    return holding(found)


def holding(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Paired differences that are stated together, with `p_corrected` and `holds`; see above."""
    corrected = holm([each["p"] for each in found])
    return [
        {**each, "p_corrected": float(p), "holds": bool(p < LEVEL)}
        for each, p in zip(found, corrected, strict=True)
    ]


def holm(p_values: Any) -> np.ndarray:
    """P-values corrected for their number by Holm's method, so that 5% holds for all together.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979), pages 65 to 70.

    Args:
        p_values: `(tests,)`.
    """
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * np.arange(len(order), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(raised)) if len(order) else raised
    return corrected
