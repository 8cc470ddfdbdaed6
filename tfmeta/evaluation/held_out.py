"""Examples of a support set answered by a head that was learned from the others.

One example of each class is held out at a time, so that the classes of the others are as even as
they were; of a class with more than twenty examples, a twentieth, and of more than a thousand
examples a fifth. If examples come in groups, such as several of one person, a group is held out
together: else the answers rest on what its others say of the person.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers, fitted
from tfmeta.evaluation.folds import Array, Folds, folds_of
from tfmeta.evaluation.intervals import are_surely_more
from tfmeta.evaluation.left_out import (
    ABSENT,
    blocks_of_classes,
    blocks_of_some_classes,
    left_out_logits,
    nearest_distances,
)
from tfmeta.evaluation.logistic_head import LOGISTIC_STEPS, in_fewest_units
from tfmeta.evaluation.unseen_labels import GROUPS, Comparable, groups_of_blocks, without_labels
from tfmeta.runtime import one_thread_if_small

_MANY = 1000  # examples, of which some answer for all without their class
REGULARISATIONS = (0.03, 0.1, 0.3, 1.0, 3.0)  # for features of unit length
LOGISTIC_REGULARISATIONS = (0.03, 0.1, 0.3)
_SLOWEST = "transfer"  # with its logistic regression
# Multiplications to try these, which take some minutes on two cores.
_MOST_WORK = 2e13
_MOST_REMEMBERED = 2**24  # numbers, 64 MiB in an export
_MOST_NEIGHBOURS = 20_000  # examples, whose distances from each other are computed
_ENOUGH = 1000  # examples that are held out, to choose a head by


@dataclass(frozen=True)
class Head:
    """A head and its one hyperparameter.

    Attributes:
        algorithm: as `tfmeta algorithms` calls the learner that has it.
        options: of that learner.
        called: what reports call it; "" is `algorithm`.
        remembers: whether it keeps the features of what it learned from, to measure distances.
    """

    algorithm: str
    options: dict[str, Any] = field(default_factory=dict)
    called: str = ""
    remembers: bool = False

    def __str__(self) -> str:
        numbers = {n: each for n, each in self.options.items() if not isinstance(each, str)}
        options = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
        return f"{self.called or self.algorithm}{f' ({options})' if options else ''}"


@dataclass(frozen=True)
class HeldOut:
    """What a head says of examples that it was not learned from.

    Attributes:
        head: the head.
        rows: numbers of the examples that can be held out: those whose class has another, in
            another group if there are groups.
        answers: `known` are the logits of these examples, by the head learned from the others;
            `unknown` those of examples by the head learned without their class, whose column is
            then absent: of all examples, or of many some.
        confidence: fitted on the answers.
        tried_all: whether the head was chosen among all kinds of heads; False if some would have
            taken too long.
    """

    head: Head
    rows: Array
    answers: Answers
    confidence: Confidence
    tried_all: bool = True

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
    def losses(self) -> Array:
        """`(rows,)`: the negative log-probability of each example's own class, calibrated."""
        own = self.probabilities[np.arange(len(self.rows)), self.answers.labels]
        losses: Array = -np.log(np.maximum(own, 1e-12))
        return losses

    @property
    def loss(self) -> float:
        """The mean of these."""
        return float(self.losses.mean())

    def is_surely_better_than(self, other: "HeldOut", *, standard_errors: float = 1) -> bool:
        """Whether its loss is lower by more than so many standard errors of the paired difference.

        With one: Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees",
        section 3.4.3, prefer what is simpler by this rule.
        """
        return are_surely_more(other.losses, self.losses, standard_errors=standard_errors)


def held_out(
    features: Comparable, labels: Array, head: Head, groups: Array | None = None
) -> HeldOut:
    """What a head says of each example that it was not learned from.

    Args:
        features: `(examples, units)`, as the head's learner takes them; or see `without_labels`,
            for a network fitted on labels.
        labels: `(examples,)` from 0; at least one class has two examples.
        head: one of `heads_for`.
        groups: see `folds_of`; at least one class is in two of them.
    """
    blocks = _blocks_without_class(head, labels)
    folds = folds_of(labels, groups)
    return _held_out(features, labels, head, folds=folds, blocks=blocks, groups=groups)


def heads_for(labels: Array, units: int, groups: Array | None = None) -> list[Head]:
    """The heads that are tried on examples of these classes, from 0, with so many features."""
    number, classes = len(labels), int(labels.max()) + 1
    found = [Head("prototypical")]
    found += [Head("ridge", {"regularisation": value}) for value in REGULARISATIONS]
    logistic = [
        Head(_SLOWEST, {"head": "logistic", "regularisation": value}, "logistic regression")
        for value in LOGISTIC_REGULARISATIONS
    ]
    folds = folds_of(labels, groups)
    times = len(logistic) * len(_enough_of(folds)) + len(folds)
    times += len(_blocks_without_class(logistic[0], labels))
    fewest = min(units, number)
    is_affordable = times * fewest * number * (2 * LOGISTIC_STEPS * classes + fewest) <= _MOST_WORK
    return [*found, *logistic] if is_affordable else found


def best_head(features: Comparable, labels: Array, groups: Array | None = None) -> HeldOut:
    """The head whose calibrated answers to examples that were held out are the likeliest.

    It is chosen by a thousand examples if there are more, and then answers all of them. It
    remembers their features, unless an export would be too large or the distances too many.

    Args: see `held_out`.
    """
    with one_thread_if_small(len(labels)):
        return _best_head(features, labels, groups)


def _best_head(features: Comparable, labels: Array, groups: Array | None) -> HeldOut:
    units = without_labels(features, np.arange(0)).shape[1]
    is_small = len(labels) * units <= _MOST_REMEMBERED and len(labels) <= _MOST_NEIGHBOURS
    features = _in_fewest_units(features)  # once for all heads
    folds = _enough_of(folds_of(labels, groups))
    heads = heads_for(labels, units, groups)
    best = min(heads, key=lambda head: _held_out(features, labels, head, folds=folds).loss)
    tried_all = any(head.algorithm == _SLOWEST for head in heads)
    best = replace(best, remembers=is_small)
    return replace(held_out(features, labels, best, groups), tried_all=tried_all)


def _in_fewest_units(features: Comparable) -> Comparable:
    if not callable(features):
        return in_fewest_units(np.asarray(features, np.float64))

    @lru_cache(maxsize=GROUPS)
    def once(rows: bytes) -> Array:
        return in_fewest_units(np.asarray(features(np.frombuffer(rows, np.int64)), np.float64))

    return lambda rows: once(rows.astype(np.int64).tobytes())


def _held_out(
    features: Comparable,
    labels: Array,
    head: Head,
    *,
    folds: Folds,
    blocks: Folds = (),
    groups: Array | None = None,
) -> HeldOut:
    """What a head says of the examples of some folds, and of blocks whose classes it lacks."""
    rows, known, from_any = _answered(features, labels, head, folds, apart=groups)
    answers = Answers(known, labels[rows], known[:0])
    if blocks:
        others, unknown, from_others = _answered(features, labels, head, blocks, apart=labels)
        unknown[np.arange(len(others)), labels[others]] = ABSENT
        answers = replace(answers, unknown=unknown)
        if head.remembers:
            answers = replace(answers, distances=np.concatenate([from_any, from_others]))
    return HeldOut(head, rows, answers, fitted(answers))


def _answered(
    features: Comparable, labels: Array, head: Head, blocks: Folds, *, apart: Array | None
) -> tuple[Array, Array, Array]:
    """The numbers of the blocks' examples from the lowest, their logits and their distances.

    The features of a block's examples are by a network that has not seen their labels.

    Args:
        apart: `(examples,)`: distances are from examples that have another number.
    """
    logits, distances = [], []
    for group in groups_of_blocks(features, blocks):
        rows = np.concatenate(group)
        x = np.asarray(without_labels(features, rows), np.float64)
        logits += left_out_logits(head.algorithm, x, labels, group, **head.options)
        if head.remembers:
            distances.append(nearest_distances(x, rows, apart))
    rows = np.concatenate(blocks)
    order = np.argsort(rows)
    return (
        rows[order],
        np.concatenate(logits)[order],
        np.concatenate(distances)[order] if distances else np.zeros(0),
    )


def _blocks_without_class(head: Head, labels: Array) -> Folds:
    """Blocks of classes, whose examples a head answers that has not seen the class.

    Logistic regression is learned anew for each: several classes are left out at once, and of many
    examples only those of some classes are answered.
    """
    if head.algorithm != _SLOWEST:
        return blocks_of_classes(labels)
    blocks = blocks_of_some_classes(labels)
    return blocks if len(labels) <= _MANY else blocks[:1]


def _enough_of(folds: Folds) -> Folds:
    """The first folds that have enough examples to choose a head by."""
    before = np.cumsum([0, *map(len, folds)])[:-1]
    return [fold for fold, number in zip(folds, before, strict=True) if number < _ENOUGH]
