"""Runs compared task by task, with each other and with what needs no learning."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.evaluation.baselines import UNTRAINED, scores_without_learning
from tfmeta.evaluation.paired import LEAST_TASKS, differences
from tfmeta.evaluation.scored import scored
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress


def comparison_of(
    runs: Sequence[TestedRun], progress: Progress, *, baselines: bool = True
) -> dict[str, Any]:
    """The facts of `Comparison`, for one run or several on the same episodes.

    Args:
        runs: that were checked by `same_tasks`.
        progress: is told what is left out, and why.
        baselines: whether to compare with what needs no learning.
    """
    first, metric = runs[0], runs[0].metric
    beside = _without_network(runs) if baselines else {}
    own = _untrained(runs, progress) if baselines else {}
    scores = {each.name: each.found.task_scores for each in runs}
    pairs = list(combinations(scores, 2))
    for each in runs:
        pairs += [(each.name, name) for name in beside]
        if (name := _own_name(each)) in own:
            pairs.append((each.name, name))
    facts = first.found.facts
    has_differences = facts["num_tasks"] >= LEAST_TASKS
    every = {**scores, **beside, **own}
    return {
        "metric": metric,
        **{name: facts[name] for name in ("split", "num_tasks", "seed")},
        **first.tests.shape.protocol(),
        "runs": [_row(each) for each in runs],
        "baselines": [
            {"name": name, **scored(metric, each)} for name, each in {**beside, **own}.items()
        ],
        "differences": differences(every, pairs) if has_differences else [],
        "correction": "Holm",
    }


def _untrained(runs: Sequence[TestedRun], progress: Progress) -> dict[str, np.ndarray]:
    """The scores of each run's network before training, where that can be made again."""
    found = {}
    for each in runs:
        try:
            scores = each.untrained
        except UserError as error:
            progress.say(f"without the network of {each.name} before training: {error}")
            continue
        if scores is not None:
            found[_own_name(each)] = scores
    return found


def _without_network(runs: Sequence[TestedRun]) -> dict[str, np.ndarray]:
    """The scores of what needs no network, once for each way in which the runs see examples."""
    views: dict[str, TestedRun] = {}
    for each in runs:
        views.setdefault(each.digest, each)
    found = {}
    for each in views.values():
        as_seen = f", as {each.name} sees them" if len(views) > 1 else ""
        for name, scores in scores_without_learning(each.tests).items():
            found[name if name == "chance" else f"{name}{as_seen}"] = scores
    return found


def _own_name(run: TestedRun) -> str:
    return f"{run.name}: {UNTRAINED}"


def _row(tested: TestedRun) -> dict[str, Any]:
    facts, settings = tested.found.facts, tested.run.settings
    return {
        "run": tested.name,
        "algorithm": settings.algorithm,
        "network": tested.run.network,
        "mode": facts["mode"],
        **scored(tested.metric, tested.found.task_scores),
        "pipeline": facts["pipeline"],
        "step": tested.step,
        "episodes_sha256": tested.digest,
    }
