"""Intervals of shares of answers, and of values with a variance. Imports no TensorFlow."""

from typing import Any

import numpy as np
import numpy.typing as npt

Z90 = 1.645  # the quantile for intervals that hold nine of ten values


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of answers (Wilson 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return float(low), float(high)


def are_surely_more(
    losses: npt.NDArray[Any], others: npt.NDArray[Any], standard_errors: float
) -> bool:
    """Whether losses are larger than others of the same examples by more than chance makes them.

    Args:
        losses: `(examples,)`.
        others: likewise, in the same order.
        standard_errors: of the mean difference, by more than which it is to be above zero.
    """
    more = losses - others
    if len(more) < 2:
        return False
    return bool(more.mean() > standard_errors * more.std(ddof=1) / np.sqrt(len(more)))
