"""What a head answers to blocks of examples, each by what it learns from all others.

Rows of features have unit length where the head of that name scales them so; see
`tfmeta/learners/ridge.py`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from threadpoolctl import threadpool_limits

from tfmeta.evaluation.logistic_head import in_fewest_units, logistic_weights
from tfmeta.runtime import usable_cores

ABSENT = -1e9  # logit of a class without an example among those that a head is learned from
_SHORTEST = 1e-12  # vector that is brought to unit length
_ROWS = 1000  # whose distances are in memory at once
_CLASS_GROUPS = 5  # in which classes are left out where learning anew is dear
Array = npt.NDArray[Any]
Blocks = Sequence[Array]  # numbers of the examples of each block


def left_out_logits(
    algorithm: str, features: Array, labels: Array, blocks: Blocks, **options: Any
) -> list[Array]:
    """The logits of each block's examples, by the head learned from all examples but these.

    Args:
        algorithm: of the head.
        features: `(examples, units)`, float64.
        labels: `(examples,)` from 0.
        blocks: whose examples are left out together.
        **options: of the head.

    Returns:
        `(its examples, classes)` for each block.
    """
    return _LOGITS[algorithm](features, labels, blocks, **options)


def nearest_distances(features: Array, asked: Array, apart: Array | None = None) -> Array:
    """How far some examples are from the nearest other one.

    Args:
        features: see `left_out_logits`.
        asked: numbers of these examples.
        apart: `(examples,)`, such as the classes: the other one has another number.

    Returns:
        `(asked,)`: what `TaskModel.distance_with` says of the example as a query, with a support
        set without it, or without all that have its number.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    units = (features / np.maximum(lengths, _SHORTEST)).astype(np.float32)
    found = []
    for start in range(0, len(asked), _ROWS):
        rows = asked[start : start + _ROWS]
        cosines = np.maximum(units[rows] @ units.T, 0)
        cosines[np.arange(len(rows)), rows] = 0
        if apart is not None:
            cosines[apart[rows, np.newaxis] == apart] = 0
        found.append(2 - 2 * cosines.max(-1))
    return np.concatenate(found)


def blocks_of_classes(labels: Array) -> Blocks:
    """All examples, each block with all of a class."""
    return [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]


def blocks_of_some_classes(labels: Array) -> Blocks:
    """All examples, each block with all of several classes."""
    groups = min(_CLASS_GROUPS, labels.max() + 1)
    return [np.flatnonzero(labels % groups == group) for group in range(groups)]


def _of_prototypical(features: Array, labels: Array, blocks: Blocks) -> list[Array]:
    """Minus the squared distance to the mean of each class's other examples."""
    counts = np.bincount(labels)
    sums = _sums(features, labels, len(counts))

    def left_out(rows: Array) -> Array:
        left = np.maximum(counts - np.bincount(labels[rows], minlength=len(counts)), 1)
        means = sums - _sums(features[rows], labels[rows], len(counts))
        return _distances(features[rows], means / left[:, np.newaxis])

    return [left_out(rows) for rows in blocks]


def _sums(features: Array, labels: Array, number: int) -> Array:
    sums = np.zeros((number, features.shape[1]))
    np.add.at(sums, labels, features)
    return sums


def _distances(features: Array, means: Array) -> Array:
    """Minus the squared distance of each row of features to each mean."""
    squares = (features**2).sum(1)[:, np.newaxis], (means**2).sum(1)
    distances: Array = 2 * features @ means.T - squares[0] - squares[1]
    return distances


def _of_ridge(
    features: Array, labels: Array, blocks: Blocks, *, regularisation: float, scale: float = 20.0
) -> list[Array]:
    """What is left out changes the answers in closed form.

    With X'X + lambda I = LL', Z = X L'^-1 and the answers F = ZZ'Y, those for a block B that is
    left out are Y_B - (I - Z_B Z_B')^-1 (Y_B - F_B). Of a block with more examples than units, the
    weights of the others are I - Z_B'Z_B solved for Z'Y - Z_B'Y_B, for Z.
    """
    x = in_fewest_units(_unit(features))
    targets = np.eye(labels.max() + 1)[labels]
    lower = np.linalg.cholesky(x.T @ x + regularisation * np.eye(x.shape[1]))
    z = solve_triangular(lower, x.T, lower=True).T
    products = z.T @ targets
    fitted_answers = z @ products

    def left_out(rows: Array) -> Array:
        block = z[rows]
        if len(rows) > block.shape[1]:
            kept = np.eye(block.shape[1]) - block.T @ block
            return block @ np.linalg.solve(kept, products - block.T @ targets[rows])
        kept = np.eye(len(rows)) - block @ block.T
        return targets[rows] - np.linalg.solve(kept, targets[rows] - fitted_answers[rows])

    return [scale * left_out(rows) for rows in blocks]


def _of_transfer(
    features: Array, labels: Array, blocks: Blocks, *, head: str, regularisation: float
) -> list[Array]:
    """Logistic regression, learned anew for each block; as many at once as there are cores.

    Its products are too small for threads of their own: NumPy's and SciPy's would wait for each
    other in turn.
    """
    assert head == "logistic"
    x = in_fewest_units(np.float32(_unit(features)))
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels]

    def left_out(rows: Array) -> Array:
        kept = np.setdiff1d(np.arange(len(x)), rows)
        answers = x[rows] @ logistic_weights(x[kept], targets[kept], regularisation)
        answers[:, ~targets[kept].any(0)] = ABSENT
        return answers

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(left_out, blocks))


def _unit(features: Array) -> Array:
    """Rows of length one."""
    unit: Array = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    return unit


_LOGITS: dict[str, Callable[..., list[Array]]] = {
    "prototypical": _of_prototypical,
    "ridge": _of_ridge,
    "transfer": _of_transfer,
}
