"""The interval of a share of answers."""


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of answers (Wilson 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return float(low), float(high)
