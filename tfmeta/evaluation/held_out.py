"""Examples of a support set answered by a head that was learned from the others.

One example of each class is held out at a time, so that the classes of the others are as even as
they were; of a class with more than twenty examples, a twentieth, and of thousands of examples a
fifth. Rows of features have unit length where the head of that name scales them so; see
`tfmeta/learners/ridge.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers, fitted
from tfmeta.evaluation.logistic_head import LOGISTIC_STEPS, in_fewest_units, logistic_weights

MANY = 4096  # examples, of which a fifth is held out at a time
REGULARISATIONS = (0.03, 0.1, 0.3, 1.0, 3.0)  # for features of unit length
LOGISTIC_REGULARISATIONS = (0.03, 0.1, 0.3)
_MOST_WORK = 2e11  # multiplications for each of these, which take some seconds
_MOST_FOLDS, _FEW_FOLDS, _GROUPS = 20, 5, 5
_ABSENT = -1e9
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Head:
    """A head and its one hyperparameter.

    Attributes:
        algorithm: as `tfmeta algorithms` calls the learner that has it.
        options: of that learner.
        called: what reports call it; "" is `algorithm`.
    """

    algorithm: str
    options: dict[str, Any] = field(default_factory=dict)
    called: str = ""

    def __str__(self) -> str:
        numbers = {n: each for n, each in self.options.items() if not isinstance(each, str)}
        options = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
        return f"{self.called or self.algorithm}{f' ({options})' if options else ''}"


@dataclass(frozen=True)
class HeldOut:
    """What a head says of examples that it was not learned from.

    Attributes:
        head: the head.
        rows: numbers of the examples that can be held out: those whose class has another.
        answers: `known` are the logits of these examples, by the head learned from the others;
            `unknown` those of every example by the head learned without its class, whose column
            is then absent.
        confidence: fitted on the answers.
    """

    head: Head
    rows: Array
    answers: Answers
    confidence: Confidence

    @property
    def is_right(self) -> Array:
        """`(rows,)`: whether the likeliest class is the example's own."""
        right: Array = self.answers.known.argmax(-1) == self.answers.labels
        return right

    @property
    def probabilities(self) -> Array:
        """`(rows, classes)`, calibrated."""
        return self.confidence.probabilities(self.answers.known).numpy()

    @property
    def loss(self) -> float:
        """The mean negative log-probability of the examples' own classes, calibrated."""
        own = self.probabilities[np.arange(len(self.rows)), self.answers.labels]
        return float(-np.log(np.maximum(own, 1e-12)).mean())


def held_out(features: Array, labels: Array, head: Head) -> HeldOut:
    """What a head says of each example that it was not learned from.

    Args:
        features: `(examples, units)`, as the head's learner takes them.
        labels: `(examples,)` from 0; at least one class has two examples.
        head: one of `heads_for`.
    """
    features = features.astype(np.float64)
    counts = np.bincount(labels)
    rows = np.flatnonzero(counts[labels] > 1)
    logits, without_class = _LOGITS[head.algorithm](features, labels, **head.options)
    unknown = np.where(np.eye(len(counts), dtype=bool)[labels], _ABSENT, without_class)
    has_others = len(counts) > 2  # of two classes, the other one is always the answer
    answers = Answers(logits[rows], labels[rows], unknown if has_others else unknown[:0])
    return HeldOut(head, rows, answers, fitted(answers))


def heads_for(labels: Array, units: int) -> list[Head]:
    """The heads that are tried on examples of these classes, from 0, with so many features."""
    number, classes = len(labels), int(labels.max()) + 1
    found = [Head("prototypical")]
    found += [Head("ridge", {"regularisation": value}) for value in REGULARISATIONS]
    times = number_of_folds(labels) + min(_GROUPS, classes)
    fewest = min(units, number)
    if times * fewest * number * (2 * LOGISTIC_STEPS * classes + fewest) <= _MOST_WORK:
        logistic = {"head": "logistic"}
        found += [
            Head("transfer", {**logistic, "regularisation": value}, "logistic regression")
            for value in LOGISTIC_REGULARISATIONS
        ]
    return found


def best_head(features: Array, labels: Array) -> HeldOut:
    """The head whose calibrated answers to examples that were held out are the likeliest."""
    features = in_fewest_units(features.astype(np.float64))  # once for all heads
    tried = [held_out(features, labels, head) for head in heads_for(labels, features.shape[1])]
    return min(tried, key=lambda each: each.loss)


def number_of_folds(labels: Array) -> int:
    """How many times examples are held out."""
    most = _MOST_FOLDS if len(labels) <= MANY else _FEW_FOLDS
    return int(min(np.bincount(labels).max(), most))


def folds_of(labels: Array) -> Iterator[Array]:
    """Yields the numbers of the examples that are held out together.

    Each is held out once, but one that is alone in its class, which never is. Which of a class's
    examples come together with which of another is drawn: a file may be in the order of a template.
    """
    rng, number = np.random.default_rng(0), number_of_folds(labels)
    fold = np.full(len(labels), -1)
    for label in range(labels.max() + 1):
        rows = rng.permutation(np.flatnonzero(labels == label))
        if len(rows) > 1:
            fold[rows] = np.arange(len(rows)) % number
    yield from (np.flatnonzero(fold == each) for each in range(number))


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of answers (Wilson 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return float(low), float(high)


def _of_prototypical(features: Array, labels: Array) -> tuple[Array, Array]:
    """Minus the squared distance to each class's mean, of which an example itself is no part."""
    counts = np.bincount(labels)
    sums = _sums(features, labels, len(counts))
    distances = _distances(features, sums / counts[:, np.newaxis])
    logits = distances.copy()
    for rows in folds_of(labels):
        left = counts - np.bincount(labels[rows], minlength=len(counts))
        means = sums - _sums(features[rows], labels[rows], len(counts))
        logits[rows] = _distances(features[rows], means / left[:, np.newaxis])
    return logits, distances


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
    features: Array, labels: Array, *, regularisation: float, scale: float = 20.0
) -> tuple[Array, Array]:
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

    def without(blocks: Any) -> Array:
        answers = np.zeros_like(targets)
        for rows in blocks:
            answers[rows] = scale * left_out(rows)
        return answers

    classes = (np.flatnonzero(labels == label) for label in range(targets.shape[1]))
    return without(folds_of(labels)), without(classes)


def _of_transfer(
    features: Array, labels: Array, *, head: str, regularisation: float
) -> tuple[Array, Array]:
    """Logistic regression, learned anew for each fold, and without each fifth of the classes."""
    assert head == "logistic"
    x = in_fewest_units(np.float32(_unit(features)))
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels]

    def without(blocks: Any) -> Array:
        answers = np.zeros_like(targets)
        for rows in blocks:
            kept = np.setdiff1d(np.arange(len(x)), rows)
            answers[rows] = x[rows] @ logistic_weights(x[kept], targets[kept], regularisation)
            answers[np.ix_(rows, ~targets[kept].any(0))] = _ABSENT
        return answers

    groups = min(_GROUPS, targets.shape[1])
    parts = (np.flatnonzero(labels % groups == group) for group in range(groups))
    return without(folds_of(labels)), without(parts)


def _unit(features: Array) -> Array:
    """Rows of length one."""
    unit: Array = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    return unit


_LOGITS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "prototypical": _of_prototypical,
    "ridge": _of_ridge,
    "transfer": _of_transfer,
}
