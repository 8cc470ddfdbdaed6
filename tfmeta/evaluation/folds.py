"""Which examples are held out together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_MANY = 1000  # examples; of more, a fifth is held out at a time
_MOST_FOLDS, _FEW_FOLDS = 20, 5
Array = npt.NDArray[Any]
Folds = Sequence[Array]


def folds_of(labels: Array, groups: Array | None = None) -> Folds:
    """The numbers of the examples that are held out together.

    Each is held out once, but one whose class has no other that stays, which never is. Without
    groups, which of a class's examples come together with which of another is drawn: a file may be
    in the order of a template.

    Args:
        labels: `(examples,)` from 0.
        groups: `(examples,)` from 0, such as persons, whose examples are held out together; None
            if each example is a group of its own.
    """
    return _of_examples(labels) if groups is None else _of_groups(labels, groups)


def _of_examples(labels: Array) -> Folds:
    rng, number = np.random.default_rng(0), _number_of(np.bincount(labels).max(), labels)
    fold = np.full(len(labels), -1)
    for label in range(labels.max() + 1):
        rows = rng.permutation(np.flatnonzero(labels == label))
        if len(rows) > 1:
            fold[rows] = (rng.integers(number) + np.arange(len(rows))) % number
    return [np.flatnonzero(fold == each) for each in range(number)]


def _of_groups(labels: Array, groups: Array) -> Folds:
    names = np.unique(groups)
    number = _number_of(len(names), labels)
    drawn = np.random.default_rng(0).permutation(len(names)) % number
    fold = drawn[np.searchsorted(names, groups)]
    held = np.zeros((number, labels.max() + 1), int)
    np.add.at(held, (fold, labels), 1)
    stay = held.sum(0) > held  # whether a class has examples that stay
    can_be = stay[fold, labels]
    folds = [np.flatnonzero((fold == each) & can_be) for each in range(number)]
    return [rows for rows in folds if len(rows)]


def _number_of(most: int, labels: Array) -> int:
    return int(min(most, _MOST_FOLDS if len(labels) <= _MANY else _FEW_FOLDS))
