"""Weights that hold the logarithm of what must stay positive."""

import math


def logarithm_of(name: str, start: float) -> float:
    """Where such a weight begins; raises ValueError if an argument, called `name`, has none."""
    if not start > 0:
        raise ValueError(f"received {name}={start!r}; expected a positive number")
    return math.log(start)
