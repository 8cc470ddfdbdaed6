"""Fits a learner's confidence on the tasks of one split, and reports on those of another."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.confidence import POSSIBLE, Confidence
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource, even_batch
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.answers import learned_and_asked
from tfmeta.evaluation.signed_logistic import signed_logistic
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner

FITTED_ON, REPORTED_ON = "validation", "test"
_TASKS_A_CALL = 10
_MOST_QUERIES = 15  # per class
_NUM_BINS = 15  # of the expected calibration error, as Guo et al. 2017
_LOG_TEMPERATURES = (-5.0, 7.0)


@dataclass(frozen=True)
class Answers:
    """A learner's logits over some tasks.

    Attributes:
        known: `(queries, ways)`, for queries of the support set's classes.
        labels: `(queries,)`, the classes of these queries.
        unknown: `(queries, ways)`, for queries of other classes; empty if there are no such
            classes.
        distances: of both, one after the other, from the support set; see
            `TaskModel.distance_with`. None if the learner does not measure them.
    """

    known: np.ndarray
    labels: np.ndarray
    unknown: np.ndarray
    distances: np.ndarray | None = None

    @property
    def are_unknown(self) -> np.ndarray:
        """Which of both, one after the other, are of other classes."""
        return np.arange(len(self.known) + len(self.unknown)) >= len(self.known)


def calibrate(
    learner: MetaLearner,
    source: EpisodeSource,
    shape: EpisodeShape,
    *,
    num_tasks: int,
    seed: int = 0,
) -> Confidence:
    """Fits a classifier's confidence on validation tasks, and measures it on test tasks.

    A task has as many unknown classes as known ones, if the split has enough.

    Args:
        learner: a MetaLearner.
        source: of episodes with classes.
        shape: of the tasks; it is lowered to what the splits have.
        num_tasks: number of tasks of each split.
        seed: of the tasks.

    Returns:
        The confidence, with a report of `ece_before`, `ece_after`, `accuracy` and `unknown_auroc`
        (None without unknown classes) and their protocol.

    Raises:
        UserError: if a split has too few classes or examples for any task.
    """
    shape = possible_shape(source, shape)
    protocol = {"num_tasks": num_tasks, "seed": seed}
    found = fitted(answers_of(learner, source, FITTED_ON, shape, **protocol))
    answers = answers_of(learner, source, REPORTED_ON, shape, **protocol)
    report = {
        "ece_before": expected_calibration_error(Confidence(), answers),
        "ece_after": expected_calibration_error(found, answers),
        "accuracy": float(np.mean(answers.known.argmax(-1) == answers.labels)),
        "unknown_auroc": unknown_auroc(found, answers),
        "pipeline": source.name,
        "fitted_on": FITTED_ON,
        "split": REPORTED_ON,
        "num_ways": shape.num_ways,
        "num_shots": shape.num_shots,
        "num_queries": shape.num_queries,
        "mode": learner.mode,
        **protocol,
    }
    return replace(found, report=report)


def expected_calibration_error(confidence: Confidence, answers: Answers) -> float:
    """The mean difference of confidence and accuracy over bins (Guo et al. 2017, equation 3)."""
    numbers, sureness, right = reliability(confidence, answers, _NUM_BINS)
    return float(np.abs(sureness - right).sum() / numbers.sum())


def reliability(confidence: Confidence, answers: Answers, num_bins: int) -> Any:
    """How sure and how right the answers to queries of known classes are, by how sure they are.

    Args:
        confidence: that makes probabilities of logits.
        answers: of a learner.
        num_bins: bins of equal width from 0 to 1.

    Returns:
        `(numbers, sureness, right)`, each `(bins,)`: how many answers are in a bin, the sum of
        their probabilities, and how many of them are right.
    """
    probabilities = confidence.probabilities(answers.known).numpy().astype(np.float64)
    sureness = probabilities.max(-1)
    right = probabilities.argmax(-1) == answers.labels
    bins = np.minimum((sureness * num_bins).astype(int), num_bins - 1)
    values = (np.ones(len(bins)), sureness, right)
    return tuple(np.bincount(bins, each, num_bins) for each in values)


def possible_shape(source: EpisodeSource, shape: EpisodeShape) -> EpisodeShape:
    """The shape, lowered to what validation and test split have, with enough queries.

    Raises:
        UserError: if a split has too few classes or examples for any task.
    """
    limits = {split: source.limits(split, shape) for split in (FITTED_ON, REPORTED_ON)}
    most_ways, most_examples = (min(side) for side in zip(*limits.values(), strict=True))
    if small := [split for split, (ways, _) in limits.items() if ways <= 1]:
        raise UserError(
            f"the {' split and the '.join(small)} split of {source.name} has "
            f"{counted(limits[small[0]][0], 'class')}; expected 2 or more"
        )
    shots = max(1, min(shape.num_shots, most_examples - 1))
    return shape.changed(
        num_ways=max(1, min(shape.num_ways, most_ways)),
        num_shots=shots,
        num_queries=max(1, min(_MOST_QUERIES, most_examples - shots)),
    )


def answers_of(
    learner: MetaLearner,
    source: EpisodeSource,
    split: str,
    shape: EpisodeShape,
    *,
    num_tasks: int,
    seed: int,
) -> Answers:
    """A learner's logits over the first tasks of a split.

    Args:
        learner, source, num_tasks, seed: see `calibrate`.
        split: of the source.
        shape: of the tasks' known classes; a task has as many unknown classes, if there are enough.

    Raises:
        UserError: if there are no such tasks.
    """
    most_ways, _ = source.limits(split, shape)
    ways, others = shape.num_ways, min(shape.num_ways, most_ways - shape.num_ways)
    both = shape.changed(num_ways=ways + others)
    num_support, num_known = ways * shape.num_shots, ways * shape.num_queries

    def answer(episode: Any, *, sizes: CommonSizes) -> Any:
        # Episodes are sorted by class; the first classes are those of the task.
        support = _by_class(episode.support_x, episode.support_y)
        support = tuple(each[:num_support] for each in support)
        x, _ = _by_class(episode.query_x, episode.query_y)
        groups = (x[:num_known], x[num_known:]) if others else (x[:num_known],)
        found = [each[:, :ways] for each in learned_and_asked(learner, support, groups, sizes)]
        return found[0], found[1] if others else found[0][:0]

    # TensorFlow would count the tracings of one function of this name over all learners.
    answer_all = tf.function(partial(learner.map_tasks, answer), autograph=False)
    batch = even_batch(num_tasks, _TASKS_A_CALL)
    embedded = learner.embedded(source, split)
    dataset = embedded.episodes(split, both, seed=seed, num_tasks=batch).take(num_tasks // batch)
    parts = [[t.numpy() for t in answer_all(episodes)] for episodes in dataset]
    known, unknown = (np.concatenate(side).reshape(-1, ways) for side in zip(*parts, strict=True))
    labels = np.tile(np.repeat(np.arange(ways), shape.num_queries), num_tasks)
    return Answers(known, labels, unknown)


def _by_class(x: Any, y: tf.Tensor) -> Any:
    order = tf.argsort(y, stable=True)
    return tf.gather(x, order), tf.gather(y, order)


def fitted(answers: Answers) -> Confidence:
    """The confidence whose temperature and unknown score suit the answers best."""
    scaled = Confidence(temperature=_temperature(answers))
    if not len(answers.unknown):
        return scaled
    return replace(scaled, **_unknown_weights(scaled, answers))


def most_claimed(right: int, total: int) -> float:
    """The most confidence that so many right answers are evidence for, on average.

    It is Laplace's rule of succession: the expected share of right answers, if every share was as
    likely as any other before these answers.
    """
    return (right + 1) / (total + 2)


def _temperature(answers: Answers) -> float:
    """The temperature with which the true classes are most likely, and two answers more.

    These are a right and a wrong one, spread over all answers: where all are right, the likeliest
    temperature would else be the smallest one, and every answer would be certain. The temperature
    is higher if the mean confidence would still be more than `most_claimed`.
    """
    from scipy.optimize import brentq, minimize_scalar
    from scipy.special import log_softmax, softmax

    rows = np.arange(len(answers.labels))
    logits = answers.known.astype(np.float64)
    right = int((logits.argmax(-1) == answers.labels).sum())
    others = np.where(logits > POSSIBLE, 1.0, 0.0)
    others[rows, answers.labels] = 0
    others /= np.maximum(others.sum(-1, keepdims=True), 1)

    def loss(log_temperature: Any) -> Any:
        scaled = log_softmax(logits * np.exp(-log_temperature), -1)
        own, wrong = scaled[rows, answers.labels], (scaled * others).sum(-1)
        return -own.sum() - own.mean() - wrong.mean()

    def excess(log_temperature: Any) -> Any:
        claimed = softmax(logits * np.exp(-log_temperature), -1).max(-1).mean()
        return claimed - most_claimed(right, len(rows))

    found = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x
    highest = _LOG_TEMPERATURES[1]
    if excess(highest) > 0:  # fewer right answers than by chance
        found = highest
    elif excess(found) > 0:
        found = brentq(excess, found, highest)
    return float(np.exp(found))


def _unknown_weights(confidence: Confidence, answers: Answers) -> dict[str, Any]:
    from sklearn.preprocessing import StandardScaler

    doubt, largest = (each.numpy() for each in confidence.evidence(_both(answers)))
    evidence, signs = {"of_doubt": doubt, "of_largest": largest}, [1, -1]
    if answers.distances is not None:
        evidence["of_distance"] = answers.distances
        signs.append(1)
    columns = np.stack([*evidence.values()], -1).astype(np.float64)
    scaler = StandardScaler().fit(columns)
    bias, scaled = signed_logistic(scaler.transform(columns), answers.are_unknown, signs)
    weights = scaled / scaler.scale_
    bias -= float(weights @ scaler.mean_)
    return {"bias": bias, **dict(zip(evidence, weights.tolist(), strict=True))}


def _both(answers: Answers) -> np.ndarray:
    return np.concatenate([answers.known, answers.unknown])


def unknown_auroc(confidence: Confidence, answers: Answers) -> float | None:
    """How well the unknown score tells queries of other classes; None if there are none."""
    from sklearn.metrics import roc_auc_score

    if not len(answers.unknown):
        return None
    scores = confidence.unknown(_both(answers), distance=answers.distances).numpy()
    return float(roc_auc_score(answers.are_unknown, scores))
