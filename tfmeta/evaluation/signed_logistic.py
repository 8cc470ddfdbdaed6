"""Logistic regression whose weights have signs that are known before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def signed_logistic(x: Array, is_one: Array, signs: Sequence[int]) -> tuple[float, Array]:
    """Fits the odds that an example is a one.

    The two kinds count alike, however many there are of each. Half of the squares of the weights is
    added to the loss, which is scikit-learn's `LogisticRegression` with `class_weight="balanced"`
    where no sign forbids its weights.

    Args:
        x: `(examples, columns)`, of like sizes.
        is_one: `(examples,)`; there are both kinds.
        signs: of the weights, 1 or -1; a weight of the other sign becomes 0.

    Returns:
        `(bias, weights)`.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    sides = np.where(is_one, 1.0, -1.0)
    of_kind = np.where(is_one, is_one.sum(), (~is_one).sum())
    counts = len(x) / (2 * of_kind)

    def loss(values: Array) -> tuple[float, Array]:
        weights = values[1:]
        margins = sides * (x @ weights + values[0])
        slopes = -counts * sides * expit(-margins)
        value = counts @ np.logaddexp(0, -margins) + 0.5 * weights @ weights
        return value, np.concatenate([[slopes.sum()], slopes @ x + weights])

    bounds = [(None, None), *((0, None) if sign > 0 else (None, 0) for sign in signs)]
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-10}
    found = minimize(
        loss, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B", options=options
    )
    return float(found.x[0]), found.x[1:]
