"""Each example of a support set answered by a head that was learned from all the others.

For heads in closed form, that takes no more than learning once. Rows of features have unit length
where the head of that name scales them so; see `tfmeta/learners/ridge.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers, fitted

MOST_FOR_RIDGE = 4096  # examples: what is inverted has their number squared
REGULARISATIONS = (0.03, 0.1, 0.3, 1.0, 3.0)  # for features of unit length
_ABSENT = -1e9
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Head:
    """A head and its one hyperparameter.

    Attributes:
        algorithm: as `tfmeta algorithms` calls the learner that has it.
        options: of that learner.
    """

    algorithm: str
    options: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value:g}" for name, value in self.options.items())
        return f"{self.algorithm}{f' ({options})' if options else ''}"


@dataclass(frozen=True)
class HeldOut:
    """What a head says of examples that it was not learned from.

    Attributes:
        head: the head.
        rows: numbers of the examples that can be held out: those whose class has another.
        answers: `known` are the logits of these examples, by the head learned from all others;
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


def heads_for(num_examples: int) -> list[Head]:
    """The heads that are tried on so many examples."""
    found = [Head("prototypical")]
    if num_examples <= MOST_FOR_RIDGE:
        found += [Head("ridge", {"regularisation": value}) for value in REGULARISATIONS]
    return found


def best_head(features: Array, labels: Array) -> HeldOut:
    """The head whose calibrated answers to examples that were held out are the likeliest."""
    tried = [held_out(features, labels, head) for head in heads_for(len(labels))]
    return min(tried, key=lambda each: each.loss)


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of answers (Wilson 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(method="wilson")
    return float(low), float(high)


def _of_prototypical(features: Array, labels: Array) -> tuple[Array, Array]:
    """Minus the squared distance to each class's mean, of which an example itself is no part."""
    counts = np.bincount(labels)
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, labels, features)
    means = sums / counts[:, np.newaxis]
    distances = -((features**2).sum(1)[:, np.newaxis] - 2 * features @ means.T + (means**2).sum(1))
    logits, every = distances.copy(), np.arange(len(labels))
    # With m the mean with x, the mean without it is m + (m - x) / (n - 1).
    n = counts[labels]
    logits[every, labels] *= (n / np.maximum(n - 1, 1)) ** 2
    return logits, distances


def _of_ridge(
    features: Array, labels: Array, *, regularisation: float, scale: float = 20.0
) -> tuple[Array, Array]:
    """The regression's own short cut: what is left out changes the answer by a solved block.

    With G = K + lambda I, the dual weights A = G^-1 Y and a block B that is left out, the answers
    for B are Y_B - (G^-1)_BB^-1 A_B.
    """
    x = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    targets = np.eye(labels.max() + 1)[labels]
    inverse = np.linalg.inv(x @ x.T + regularisation * np.eye(len(x)))
    dual = inverse @ targets
    one = targets - dual / np.diag(inverse)[:, np.newaxis]
    block = np.empty_like(one)
    for label in range(targets.shape[1]):
        rows = np.flatnonzero(labels == label)
        solved = np.linalg.solve(inverse[np.ix_(rows, rows)], dual[rows])
        block[rows] = targets[rows] - solved
    return scale * one, scale * block


_LOGITS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "prototypical": _of_prototypical,
    "ridge": _of_ridge,
}
