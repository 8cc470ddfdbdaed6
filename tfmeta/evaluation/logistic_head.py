"""Multinomial logistic regression as `tfmeta.learners.task_heads` computes it, in NumPy."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

LOGISTIC_STEPS = 100  # as many as there
Array = npt.NDArray[Any]


def logistic_weights(kernel: Array, members: Array, strength: float) -> Array:
    """The dual weights, `(examples, classes)`; a class without examples has a logit of -1e9.

    Args:
        kernel: inner products of the features, `(examples, examples)`.
        members: one-hot labels, `(examples, classes)`.
        strength: of the regularisation.
    """
    cholesky = cho_factor(kernel / 2 + strength * np.eye(len(kernel), dtype=kernel.dtype))
    absent = np.where(members.any(0), 0, -1e9).astype(kernel.dtype)
    dual = np.zeros_like(members)
    for _ in range(LOGISTIC_STEPS):
        error = softmax(kernel @ dual + absent, 1) - members + strength * dual
        dual = dual - cho_solve(cholesky, error)
    return dual
