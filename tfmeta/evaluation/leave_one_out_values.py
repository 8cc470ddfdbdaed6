"""Each row of a regression answered by what was learned from the others.

These are all others; or if rows come in groups, such as several of one person, all of other groups.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmeta.evaluation.intervals import Z90, are_surely_more
from tfmeta.evaluation.logistic_head import in_fewest_units
from tfmeta.evaluation.unseen_labels import Comparable, groups_of_rows, without_labels
from tfmeta.runtime import one_thread_if_small

# For features of a deviation of one.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_NOTHING = 0.02  # deviations of the targets
_LEAST_NOISE = 1e-12  # of targets of a deviation of one
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class HeldOutValues:
    """What Bayesian linear regression says of rows that it was not learned from.

    Attributes:
        strength: of the prior: the weights have the covariance noise / strength.
        noise: the variance of the noise, the likeliest for these rows; `(outputs,)`.
        errors: `(rows, outputs)`, answers minus targets.
        variances: `(rows, outputs)`, of the answers.
    """

    strength: float
    noise: Array
    errors: Array
    variances: Array

    @property
    def losses(self) -> Array:
        """`(rows,)`: the negative log density of each row's targets, the mean over the outputs."""
        terms = self.errors**2 / self.variances + np.log(2 * np.pi * self.variances)
        losses: Array = terms.mean(1) / 2
        return losses

    @property
    def loss(self) -> float:
        """The mean negative log density of the targets."""
        return float(self.losses.mean())

    def is_surely_worse_than(self, other: "HeldOutValues") -> bool:
        """Whether its loss is larger by more than two standard errors of the paired difference."""
        return are_surely_more(self.losses, other.losses, standard_errors=2)

    @property
    def are_exact(self) -> bool:
        """Whether the answers are off by next to nothing."""
        return float(np.sqrt(np.mean(self.errors**2))) < _NOTHING

    @property
    def coverage90(self) -> float:
        """The share of targets within the 90% intervals."""
        return float(np.mean(np.abs(self.errors) <= Z90 * np.sqrt(self.variances)))


def held_out_values(
    features: Array, targets: Array, strength: float, groups: Array | None = None
) -> HeldOutValues:
    """Leaves out each row, in closed form; see `_LeftOut`.

    Args:
        features: `(rows, features)`, each of a mean near zero and a deviation near one.
        targets: `(rows, outputs)`, likewise.
        strength: see `HeldOutValues`.
        groups: `(rows,)` from 0: rows of one number are left out together; None if each alone.
    """
    return _found(strength, *_LeftOut(features, targets, groups).by(strength))


def best_strength(
    features: Comparable, targets: Array, groups: Array | None = None
) -> HeldOutValues:
    """The strength with which the targets that were held out are the likeliest.

    Args:
        features: see `held_out_values`; or see `without_labels`, for a network fitted on targets.
        targets: see `held_out_values`.
        groups: see `held_out_values`.
    """
    with one_thread_if_small(len(targets)):
        return _best_strength(features, targets, groups)


def _best_strength(features: Comparable, targets: Array, groups: Array | None) -> HeldOutValues:
    errors = np.empty((len(STRENGTHS), *targets.shape))
    left = np.empty((len(STRENGTHS), len(targets), 1))
    for rows in groups_of_rows(features, len(targets), groups):
        left_out = _LeftOut(without_labels(features, rows), targets, groups)
        for number, strength in enumerate(STRENGTHS):
            of_all = left_out.by(strength)
            errors[number, rows], left[number, rows] = (each[rows] for each in of_all)
    tried = map(_found, STRENGTHS, errors, left)
    return min(tried, key=lambda each: each.loss)


class _LeftOut:
    """Each row of a regression answered by that of all others, for any strength of its prior.

    With the features X, a constant among them, A = X'X + strength I and H = X A^-1 X', the answers
    to rows B that are left out are off by (I - H_BB)^-1 r, where r is how far the regression of all
    rows is off. Their variance is the noise times the diagonal of that inverse, which is 1 / (1 -
    h) for a row alone. X'X is decomposed once.
    """

    def __init__(self, features: Array, targets: Array, groups: Array | None):
        x = np.concatenate([features, np.ones((len(features), 1))], 1).astype(np.float64)
        x = in_fewest_units(x)
        sizes, axes = np.linalg.eigh(x.T @ x)
        self._sizes, self._x = np.maximum(sizes, 0)[:, np.newaxis], x @ axes
        self._targets, self._products = targets, self._x.T @ targets
        several = [] if groups is None else range(groups.max() + 1)
        self._blocks = [np.flatnonzero(groups == group) for group in several]

    def by(self, strength: float) -> tuple[Array, Array]:
        """How far the answers are off, `(rows, outputs)`, and noise / variance, `(rows, 1)`."""
        shrunk = 1 / (self._sizes + strength)
        off = self._x @ (self._products * shrunk) - self._targets
        left = 1 - self._x**2 @ shrunk
        errors = off / left
        for rows in self._blocks:
            x = self._x[rows]
            inverse = np.linalg.inv(np.eye(len(rows)) - (x * shrunk.T) @ x.T)
            errors[rows] = inverse @ off[rows]
            left[rows] = 1 / np.diag(inverse)[:, np.newaxis]
        return errors, left


def _found(strength: float, errors: Array, left: Array) -> HeldOutValues:
    """With the noise that is likeliest if rows are taken one by one."""
    noise = np.maximum((errors**2 * left).mean(0), _LEAST_NOISE)
    return HeldOutValues(strength, noise, errors, noise / left)
