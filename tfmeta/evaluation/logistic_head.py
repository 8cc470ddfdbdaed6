"""Multinomial logistic regression as `tfmeta.learners.task_heads` computes it, in NumPy."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

LOGISTIC_STEPS = 100  # as many as there
Array = npt.NDArray[Any]


def logistic_weights(features: Array, members: Array, strength: float) -> Array:
    """The weights, `(units, classes)`, of which the logits are the features' products.

    The steps are those of `tfmeta.learners.task_heads.logistic_weights`, whose dual weights A these
    weights are X'A of. So they cost the less, the fewer units there are.

    Args:
        features: X, `(examples, units)`.
        members: one-hot labels, `(examples, classes)`. A class without an example takes no part.
        strength: of the regularisation.
    """
    units = np.eye(features.shape[1], dtype=features.dtype)
    cholesky = cho_factor(features.T @ features / 2 + strength * units)
    absent = np.where(members.any(0), 0, -1e9).astype(features.dtype)
    weights = ahead = np.zeros((features.shape[1], members.shape[1]), features.dtype)
    run = 0
    for _ in range(LOGISTIC_STEPS):
        error = softmax(features @ ahead + absent, 1) - members
        slope = features.T @ error + strength * ahead
        after = ahead - cho_solve(cholesky, slope, check_finite=False)
        change = after - weights
        run = (0 if (slope * change).sum() > 0 else run) + 1
        weights, ahead = after, after + features.dtype.type((run - 1) / (run + 2)) * change
    return weights


def in_fewest_units(features: Array) -> Array:
    """Features of the same inner products, with no more units than there are examples.

    A head that is regularised by its length answers the same from them.
    """
    examples, units = features.shape
    if units <= examples:
        return features
    _, triangle = np.linalg.qr(features.T)
    return triangle.T
