"""Intervals of shares of answers, and of values with a variance. Imports no TensorFlow."""

Z90 = 1.645  # the quantile for intervals that hold nine of ten values


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of answers (Wilson 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return float(low), float(high)
