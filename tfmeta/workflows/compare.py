"""`tfmeta.compare`: several runs on the same episodes, and which differences hold."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.baselines import UNTRAINED, scores_without_learning
from tfmeta.evaluation.evaluator import Evaluator, Measurement, mean_and_ci95
from tfmeta.evaluation.paired import LEAST_TASKS, differences
from tfmeta.inspection.identity import digest_as_given
from tfmeta.named_code import trusting
from tfmeta.training.loading import load_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.untrained import untrained_learner
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, paths, progress_or_log
from tfmeta.workflows.compared_runs import Comparison
from tfmeta.workflows.episode_choice import EpisodeChoice
from tfmeta.workflows.evaluate import measured


@dataclass
class _Tested:
    """A run on its episodes.

    Attributes:
        run: its directory.
        step: of the checkpoint.
        tests: its episodes.
        found: what the learner scored.
        untrained: the score of its network before training on each task; None without one.
        digest: of the episodes as the run sees them.
    """

    run: RunDirectory
    step: int
    tests: FixedEpisodes
    found: Measurement
    untrained: np.ndarray | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        self.digest = self.found.facts["episodes_sha256"]

    @property
    def name(self) -> str:
        return str(self.run.path)


def compare(
    runs: Sequence[AnyPath],
    *,
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    baselines: bool = True,
    **protocol: Any,
) -> Comparison:
    """Evaluates runs on the same episodes, as `tfmeta compare` does. Nothing is recorded in them.

    Args:
        runs: two or more run directories, or what `tfmeta.train` returned.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that a run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        baselines: whether to compare with what needs no learning, on the same episodes.
        **protocol: as of `tfmeta.evaluate`. What is left out must be the same for all runs.

    Raises:
        UserError: if a run is none or damaged, or runs can't be compared: their tasks, the kinds
            of their targets or their episodes differ.
    """
    check_flags(trust=trust, baselines=baselines)
    choice = EpisodeChoice.of("compare", episodes, protocol)
    opened = [RunDirectory.open(each) for each in _different(runs)]
    progress = progress_or_log(progress, "compare")
    with trusting(trust):
        tested: list[_Tested] = []
        for number, run in enumerate(opened):
            tests = choice.of_run(run, progress)
            if tested:
                _check_alike(tested[0], run, tests)
            tested.append(_tested(run, tests, choice, _Part(progress, number, len(opened))))
            _check_same_episodes(tested[0], tested[-1])
        if baselines:
            _add_untrained(tested, progress)
        beside = _beside(tested) if baselines else {}
    return Comparison(_facts(tested, beside))


def _different(runs: Sequence[AnyPath]) -> list[str]:
    named = paths("runs", runs)
    if len(named) < 2:
        raise UserError(f"received {counted(len(named), 'run')}; expected 2 or more to compare")
    places = [os.path.realpath(name) for name in named]
    if twice := [name for name, p in zip(named, places, strict=True) if places.count(p) > 1]:
        raise UserError(f"received the run {twice[0]} twice; expected different runs")
    return named


class _Part(Progress):
    """The part of the progress that one run has.

    Args:
        whole: of all runs.
        number: of the run, from 0.
        total: number of runs.
    """

    def __init__(self, whole: Progress, number: int, total: int):
        super().__init__("compare")
        self._whole, self._number, self._total = whole, number, total

    def advance(self, progress: float, state: str) -> None:
        run = f"run {self._number + 1} of {self._total}, {state}"
        self._whole.advance((self._number + progress) / self._total, run)

    def say(self, message: str) -> None:
        self._whole.say(message)


def _tested(
    run: RunDirectory, tests: FixedEpisodes, choice: EpisodeChoice, progress: Progress
) -> _Tested:
    learner, step = load_run(run, choice.checkpoint)
    learner.embedded(tests.source, tests.split, progress.examples)
    try:
        found = measured(learner, tests, progress)
    except UserError as error:
        raise UserError(f"{run.path}: {error}", exit_status=error.exit_status) from error
    return _Tested(run, step, tests, found)


def _check_alike(first: _Tested, run: RunDirectory, tests: FixedEpisodes) -> None:
    """Refuses a run whose tasks are of another kind or size than the first run's."""
    kinds = [each.source.target_kind for each in (first.tests, tests)]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"{first.name} learns {kinds[0]}, {run.path} {kinds[1]}; expected runs with the same "
            "targets"
        )
    one, other = (each.shape.protocol() for each in (first.tests, tests))
    for name in {**one, **other}:
        if one.get(name) != other.get(name):
            option = name.removeprefix("num_").removeprefix("least_")
            raise UserError(
                f"{first.name} is for tasks with {name}={one.get(name)}, {run.path} for "
                f"{name}={other.get(name)}; expected the same tasks. Choose them: {option}=... "
                f"(--{option.replace('_', '-')})"
            )


def _check_same_episodes(first: _Tested, other: _Tested) -> None:
    """Refuses runs that do not see the same examples in the same episodes."""
    if first.digest == other.digest:
        return
    given = [digest_as_given(each.tests) for each in (first, other)]
    if given[0] is None or given[0] != given[1]:
        sources = [each.tests.source.name for each in (first, other)]
        raise UserError(
            f"{first.name} and {other.name} have different episodes ({sources[0]}, "
            f"{first.digest[:16]}; {sources[1]}, {other.digest[:16]}), so that their results can't "
            "be compared. Test them on the same data: with pipeline=... and data_dir=... "
            "(--pipeline, --data-dir), or on a file of `tfmeta episodes` (--episodes)"
        )


def _add_untrained(tested: list[_Tested], progress: Progress) -> None:
    for each in tested:
        try:
            learner = untrained_learner(each.run.settings, each.tests.source)
        except UserError as error:
            progress.say(f"without the network of {each.name} before training: {error}")
            continue
        if learner is not None:
            each.untrained = Evaluator(learner, each.tests).measure().task_scores


def _beside(tested: list[_Tested]) -> dict[str, np.ndarray]:
    """The scores of what needs no network, once for each way in which the runs see examples."""
    views: dict[str, _Tested] = {}
    for each in tested:
        views.setdefault(each.digest, each)
    found = {}
    for each in views.values():
        as_seen = f", as {each.name} sees them" if len(views) > 1 else ""
        for name, scores in scores_without_learning(each.tests).items():
            found[name if name == "chance" else f"{name}{as_seen}"] = scores
    return found


def _facts(tested: list[_Tested], beside: dict[str, np.ndarray]) -> dict[str, Any]:
    first = tested[0].found.facts
    metric = tested[0].tests.source.target_kind.metric
    scores = {each.name: each.found.task_scores for each in tested}
    own: dict[str, np.ndarray] = {}
    pairs = list(combinations(scores, 2))
    for each in tested:
        pairs += [(each.name, name) for name in beside]
        if each.untrained is not None:
            own[name := f"{each.name}: {UNTRAINED}"] = each.untrained
            pairs.append((each.name, name))
    every = {**scores, **beside, **own}
    protocol = tested[0].tests.shape.protocol()
    return {
        "metric": metric,
        **{name: first[name] for name in ("split", "num_tasks", "seed", *protocol)},
        "runs": [_row(each, metric) for each in tested],
        "baselines": [
            {"name": name, **_scored(metric, each)} for name, each in {**beside, **own}.items()
        ],
        "differences": differences(every, pairs) if first["num_tasks"] >= LEAST_TASKS else [],
        "correction": "Holm",
    }


def _row(tested: _Tested, metric: str) -> dict[str, Any]:
    facts, settings = tested.found.facts, tested.run.settings
    return {
        "run": tested.name,
        "algorithm": settings.algorithm,
        "network": tested.run.network,
        "mode": facts["mode"],
        **_scored(metric, tested.found.task_scores),
        "pipeline": facts["pipeline"],
        "step": tested.step,
        "episodes_sha256": tested.digest,
    }


def _scored(metric: str, scores: np.ndarray) -> dict[str, float]:
    return dict(zip((metric, "ci95"), mean_and_ci95(scores), strict=True))
