"""Baselines that learn nothing: the nearest class mean, or the mean of the support targets."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.evaluation.baselines import (
    error_of_mean,
    nearest_mean,
    scores_without_learning,
    share_right,
    vectors_of,
)
from tfmeta.evaluation.evaluator import mean_and_ci95

NUM_EPISODES = 200
_ACTED_IN = 40  # tasks, whose steps may take long
_BATCH = 20
_MOST_WAYS, _SHOTS = 5, (1, 5)
_QUERIES = (15, 10, 5, 2, 1)  # the first number for which the data has examples is taken


def baselines(source: EpisodeSource, shape: EpisodeShape, *, seed: int) -> list[dict[str, Any]]:
    """Scores that a learner should beat, on episodes of the test split, with 1 shot and with 5.

    For classes, a query belongs to the class whose support examples' mean is nearest, in the
    numbers that the network sees. For regression, each query's answer is the mean of the support
    set's targets. If the test split has no such episodes, those of validation or else of training
    are taken.

    Args:
        source: of the episodes; a source of classes must have `prepared`.
        shape: only its groups count; the baseline has its own ways, shots and queries.
        seed: of the episodes.

    Returns:
        One dict for each number of shots that has episodes: `accuracy` and `chance`, or `mse` and
        `rmse` in the target's unit, or `return` of random actions, with `ci95` and the protocol.
    """
    kind = source.target_kind
    if not kind.are_right_answers:
        return _of_random_actions(source, seed)
    if not kind.are_values and source.prepared is None:
        return []
    found, compared = [], cache(source.for_baselines)
    for shots in _SHOTS:
        protocol = _possible(source, shape, shots)
        if protocol is None:
            continue
        split, its_shape = protocol
        scores = np.array(list(_scores(compared(split), split, its_shape, seed)), np.float64)
        score, interval = mean_and_ci95(scores)
        if source.target_kind.are_values:
            result = {"mse": score, "rmse": math.sqrt(score)}
        else:
            result = {"accuracy": score, "chance": 1 / its_shape.num_ways}
        protocol = {"split": split, "num_tasks": len(scores), "seed": seed, **its_shape.protocol()}
        found.append({**result, "ci95": interval, **protocol})
    return found


def _of_random_actions(source: EpisodeSource, seed: int) -> list[dict[str, Any]]:
    """The return of one trajectory of random actions in each of some tasks."""
    shape = EpisodeShape(1, 1, 1)
    fixed = FixedEpisodes(source, shape, "test", _ACTED_IN, seed)
    ((_, returns),) = scores_without_learning(fixed).items()
    score, interval = mean_and_ci95(returns)
    protocol = {"split": "test", "num_tasks": _ACTED_IN, "seed": seed, **shape.protocol()}
    return [{"return": score, "ci95": interval, **protocol}]


def _possible(source: EpisodeSource, shape: EpisodeShape, shots: tf.Tensor) -> Any:
    """The split and the shape of the largest possible episodes; None if there are none."""
    ways = [1] if source.target_kind.are_values else range(_MOST_WAYS, 1, -1)
    like = EpisodeShape() if source.target_kind.are_values else shape
    groups = {"within_group": like.within_group, "query_other_group": like.query_other_group}
    for split in ("test", "validation", "train"):
        for num_ways in ways:
            for queries in _QUERIES:
                wanted = EpisodeShape(num_ways, shots, queries, skip_small_classes=True)
                wanted = wanted.changed(**groups)
                try:
                    source.check(split, wanted)
                    return split, wanted
                except UserError:
                    continue
    return None


def _scores(source: EpisodeSource, split: str, shape: EpisodeShape, seed: int) -> Iterator[float]:
    dataset = source.episodes(split, shape, seed=seed, num_tasks=_BATCH)
    for batch in dataset.take(NUM_EPISODES // _BATCH).as_numpy_iterator():
        for support_x, support_y, query_x, query_y in zip(*batch[:4], strict=True):
            if source.target_kind.are_values:
                yield error_of_mean(support_y, query_y)
            else:
                both = vectors_of(source)(np.concatenate([support_x, query_x]))
                support, query = np.split(both, [len(support_x)])
                yield share_right(nearest_mean(support, support_y, query), query_y)
