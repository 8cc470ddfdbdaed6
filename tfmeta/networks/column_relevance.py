"""How much each column of a table counts when rows are compared, learned from the answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from tfmeta.runtime import one_thread_if_small

_MOST_ROWS, _FEWEST_ROWS = 300, 10
_MOST_NUMBERS = 2**24  # distances of pairs of rows in each column: 64 MiB
_ITERATIONS = 30
_SPREAD = 1.0  # of the prior, in logarithms
_STARTS = (0.5, 0.5, 0.3)  # shares of the variance: linear, alike, and noise
_BOUNDS = (-12.0, 4.0), (-8.0, 4.0)  # logarithms of the weights, and of the shares
_LEAST_NOISE = 1e-6
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Relevance:
    """What the answers say of the columns.

    Attributes:
        weights: `(columns,)`, of the distances in each column; one is neither more nor less.
        linear: the variance of what is linear in the columns.
        alike: the variance of what rows have in common that are alike.
    """

    weights: Array
    linear: float
    alike: float


def relevance_of(
    ranks: Array, columns: Array, targets: Array, labels: Array | None = None
) -> Relevance:
    """The likeliest weights of the columns: automatic relevance determination.

    The answers y are a Gaussian process with the covariance

        a X X' / K  +  b exp(-sum_k w_k |r_k - r'_k| / K)  +  s I

    of the columns X and their ranks r, of which K vary. Its marginal likelihood, with a prior that
    is log-normal around one for each weight w, is made as large as 30 steps of L-BFGS make it.
    A column that says nothing gets a small weight, one that decides alone a large one.

    MacKay 1992, "Bayesian interpolation"; Rasmussen and Williams 2006, "Gaussian processes for
    machine learning", sections 5.1 and 5.4.1.

    Args:
        ranks: `(rows, columns)`; see `ColumnRanks`.
        columns: `(rows, columns)`, of a mean near zero and a deviation near one.
        targets: `(rows, outputs)`; classes as one-hot vectors.
        labels: `(rows,)`, of classes, if they are. At most 300 rows are used, of classes the same
            number each.

    Returns:
        All columns count the same if there are too few rows, or nothing to explain.
    """
    rows = _few_of(np.zeros(len(ranks), int) if labels is None else labels, ranks.shape[1])
    if len(rows) < _FEWEST_ROWS:
        return Relevance(np.ones(ranks.shape[1]), 1.0, 1.0)
    targets = targets[rows] - targets[rows].mean(0)
    varying = np.ptp(ranks[rows], 0) > 0
    if not varying.any() or not targets.any():
        return Relevance(np.ones(len(varying)), 1.0, 1.0)
    likelihood = _Likelihood(
        ranks[rows][:, varying], columns[rows][:, varying], targets / targets.std()
    )
    number = int(varying.sum())
    with one_thread_if_small(len(rows)):
        found = minimize(
            likelihood,
            np.concatenate([np.zeros(number), np.log(_STARTS)]),
            jac=True,
            method="L-BFGS-B",
            bounds=[_BOUNDS[0]] * number + [_BOUNDS[1]] * len(_STARTS),
            options={"maxiter": _ITERATIONS},
        ).x
    weights = np.ones(len(varying))
    weights[varying] = np.exp(found[:number])
    linear, alike, _ = np.exp(found[number:])
    return Relevance(weights, float(linear), float(alike))


def _few_of(labels: Array, columns: int) -> Array:
    """Numbers of rows, few enough to compare each with each: of every class one in turn."""
    order = np.random.default_rng(0).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    first = np.searchsorted(labels[by_class], labels[by_class])
    turns = np.arange(len(order)) - first
    most = min(_MOST_ROWS, int((2 * _MOST_NUMBERS / columns) ** 0.5))
    few: Array = by_class[np.argsort(turns, kind="stable")[:most]]
    return few


class _Likelihood:
    """The negative logarithm of the posterior density, and its slope."""

    def __init__(self, ranks: Array, columns: Array, targets: Array):
        self._pairs = np.triu_indices(len(ranks), 1)
        first, second = (ranks[each].T for each in self._pairs)
        number = ranks.shape[1]
        self._distances = np.abs(first - second).astype(np.float32) / number
        self._linear = columns @ columns.T / number
        self._targets = targets

    def __call__(self, logarithms: Array) -> tuple[float, Array]:
        number, outputs = len(self._distances), self._targets.shape[1]
        weights, (linear, alike, noise) = np.split(np.exp(logarithms), [number])
        kernel = self._alike(weights)
        covariance = linear * self._linear + alike * kernel
        covariance[np.diag_indices_from(covariance)] += noise + _LEAST_NOISE
        factor = cho_factor(covariance, lower=True)
        solved = cho_solve(factor, self._targets)
        value = (self._targets * solved).sum() / 2
        value += outputs * np.log(np.diag(factor[0])).sum()
        slope = outputs * cho_solve(factor, np.eye(len(covariance))) - solved @ solved.T
        slope /= 2
        through = 2 * alike * (slope * kernel)[self._pairs]
        of_weights = -weights * (self._distances @ through.astype(np.float32))
        of_shares = [
            linear * (slope * self._linear).sum(),
            alike * (slope * kernel).sum(),
            noise * np.trace(slope),
        ]
        prior = logarithms[:number] / _SPREAD**2
        value += (prior * logarithms[:number]).sum() / 2
        return value, np.concatenate([of_weights + prior, of_shares])

    def _alike(self, weights: Array) -> Array:
        kernel = np.eye(len(self._linear))
        kernel[self._pairs] = np.exp(-(weights.astype(np.float32) @ self._distances))
        return kernel + np.triu(kernel, 1).T
