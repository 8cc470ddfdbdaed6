"""What needs no learning, on the same episodes as the learner: the number beside every result.

Of classes: chance; the nearest class mean and ridge regression (as scikit-learn's `RidgeClassifier`
does it) of the raw inputs, for texts of TF-IDF over n-grams of characters; and the nearest class
mean of what the network makes of them before any training. Of values: the mean of the support set's
targets, ridge regression of each task alone (as scikit-learn's `Ridge`), and one ridge regression
of all training tasks together. Of actions: a policy that acts at random.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.episodes.target_kind import ACTIONS, CLASSES, VALUES
from tfmeta.errors import UserError
from tfmeta.evaluation.evaluator import Evaluator, mean_and_ci95
from tfmeta.evaluation.scored import scored
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import unpadded_arrays
from tfmeta.precision import rounding_error
from tfmeta.reading.prepared import Prepared

ALPHA = 1.0  # of the ridge regressions: scikit-learn's default
UNTRAINED = "network before training, nearest mean"
_BATCH = 50
_POOLED = 500  # training tasks of the pooled regression
Array = npt.NDArray[Any]
Scores = dict[str, list[float]]


def compared(
    fixed: FixedEpisodes, task_scores: Array, *, untrained: MetaLearner | None = None
) -> list[dict[str, Any]]:
    """Each baseline on the same episodes, with the paired difference of the learner's scores.

    Args:
        fixed: the episodes.
        task_scores: `(tasks,)` of the learner: the metric of the targets.
        untrained: a learner without training, which compares what the network makes of examples;
            None for none.

    Returns:
        `{"name", the metric, "ci95", "difference", "difference_ci95"}` of each. The
        difference is the learner's score minus the baseline's, over the same tasks.
    """
    scores = scores_without_learning(fixed)
    if untrained is not None:
        scores[UNTRAINED] = Evaluator(untrained, fixed).measure().task_scores
    return [
        _row(fixed.source.target_kind.metric, name, each, task_scores)
        for name, each in scores.items()
    ]


def scores_without_learning(fixed: FixedEpisodes) -> dict[str, Array]:
    """The scores `(tasks,)` of each baseline that needs no network, by its name.

    Args:
        fixed: the episodes.
    """
    scores = _BY_KIND[fixed.source.target_kind.name](fixed)
    return {name: np.array(each) for name, each in scores.items()}


def _row(metric: str, name: str, scores: Array, task_scores: Array) -> dict[str, Any]:
    difference, difference_ci95 = mean_and_ci95(task_scores - scores)
    row = {"name": name, **scored(metric, scores)}
    return row | {"difference": difference, "difference_ci95": difference_ci95}


def _tasks(fixed: FixedEpisodes) -> Iterator[Episode]:
    """The episodes, task by task, without padding."""
    for batch in fixed.batches(_BATCH):
        yield from unpadded_arrays(batch)


# Classes


def _of_classes(fixed: FixedEpisodes) -> Scores:
    fixed = replace(fixed, source=fixed.source.for_baselines(fixed.split))
    prepared = fixed.source.prepared
    what = prepared.compared_as if prepared else Prepared.compared_as
    heads = {f"{what}, {name}": head for name, head in _HEADS.items()}
    scores: Scores = {name: [] for name in ("chance", *heads)}
    vectors = vectors_of(fixed.source)
    for support_x, support_y, query_x, query_y in _tasks(fixed):
        both = vectors(np.concatenate([support_x, query_x]))
        support, query = both[: len(support_x)], both[len(support_x) :]
        scores["chance"].append(1 / (support_y.max() + 1))
        for name, head in heads.items():
            scores[name].append(share_right(head(support, support_y, query), query_y))
    return scores


def vectors_of(source: Any) -> Callable[[Array], Array]:
    """A function that turns one episode's examples into vectors for distances."""
    if source.prepared is not None:
        found: Callable[[Array], Array] = source.prepared.vectors
        return found
    return lambda x: x.reshape(len(x), -1).astype(np.float64)


def nearest_mean(support: Array, support_y: Array, query: Array) -> Array:
    """Minus the squared distances `(queries, classes)` to the means of the classes."""
    means = np.stack([support[support_y == c].mean(0) for c in range(support_y.max() + 1)])
    return -((query[:, np.newaxis] - means) ** 2).sum(-1)


def ridge_classes(support: Array, support_y: Array, query: Array) -> Array:
    """Ridge regression of 1 for the class and -1 for the others, with an intercept."""
    targets = 2.0 * np.eye(support_y.max() + 1)[support_y] - 1
    return ridge(support, targets, query)


def ridge(support: Array, targets: Array, query: Array) -> Array:
    """Ridge regression with an intercept, which is not shrunk, in its dual form.

    Args:
        support: `(support, features)`.
        targets: `(support, outputs)`.
        query: `(queries, features)`.
    """
    centre, level = support.mean(0), targets.mean(0)
    x = support - centre
    dual = np.linalg.solve(x @ x.T + ALPHA * np.eye(len(x)), targets - level)
    answers: Array = (query - centre) @ (x.T @ dual) + level
    return answers


def share_right(scores: Array, query_y: Array) -> float:
    """The share of right answers; where several classes score best, it is a guess among them."""
    best = scores.max(1, keepdims=True)
    likeliest = scores >= best - np.abs(best) * rounding_error(np.float64)
    return float(np.mean(likeliest[np.arange(len(query_y)), query_y] / likeliest.sum(1)))


_HEADS = {"nearest mean": nearest_mean, "ridge": ridge_classes}


# Values


def _of_values(fixed: FixedEpisodes) -> Scores:
    mean, alone, pooled = "mean of the support targets", "ridge per task", "ridge, pooled"
    scores: Scores = {mean: [], alone: []}
    vectors = vectors_of(fixed.source)
    together = _pooled(fixed, vectors)
    if together is not None:
        scores[pooled] = []
    for support_x, support_y, query_x, query_y in _tasks(fixed):
        support, query = (vectors(x) for x in (support_x, query_x))
        targets, right = support_y.astype(np.float64), query_y.astype(np.float64)
        scores[mean].append(error_of_mean(support_y, query_y))
        scores[alone].append(float(np.mean((right - ridge(support, targets, query)) ** 2)))
        if together is not None:
            scores[pooled].append(float(np.mean((right - together(query)) ** 2)))
    return scores


def error_of_mean(support_y: Array, query_y: Array) -> float:
    """The mean squared error of answering with the mean of the support set's targets."""
    return float(np.mean((query_y.astype(np.float64) - support_y.mean(0, dtype=np.float64)) ** 2))


def _pooled(
    fixed: FixedEpisodes, vectors: Callable[[Array], Array]
) -> Callable[[Array], Array] | None:
    """Ridge regression of training tasks' examples; None if there are no such tasks at hand."""
    shape = EpisodeShape(1, fixed.shape.num_shots, 1, skip_small_classes=True)
    training = FixedEpisodes(fixed.source, shape, "train", _POOLED, fixed.seed)
    try:
        tasks = list(_tasks(training))
    except UserError:  # a file of test episodes has no others
        return None
    x = np.concatenate([vectors(support_x) for support_x, *_ in tasks])
    y = np.concatenate([support_y for _, support_y, *_ in tasks]).astype(np.float64)
    centre, level = x.mean(0), y.mean(0)
    moments = (x - centre).T @ (x - centre) + ALPHA * np.eye(x.shape[1])
    slopes = np.linalg.solve(moments, (x - centre).T @ (y - level))
    return lambda query: (query - centre) @ slopes + level


# Actions


def _of_actions(fixed: FixedEpisodes) -> Scores:
    columns = PolicyTargets.of_answers(fixed.source.target_size or 0)
    returns = [float(columns.mean_return(task.query_y)) for task in _tasks(fixed)]
    return {"actions at random": returns}


_BY_KIND = {CLASSES.name: _of_classes, VALUES.name: _of_values, ACTIONS.name: _of_actions}
