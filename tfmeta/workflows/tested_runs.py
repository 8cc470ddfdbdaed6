"""Opens runs that are tested together, each on the episodes that the user chose."""

import os
from collections.abc import Sequence

from tfmeta.errors import UserError
from tfmeta.reporting.same_tasks import check_same_episodes, check_same_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.loading import load_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import paths
from tfmeta.workflows.episode_choice import EpisodeChoice


def opened_runs(runs: AnyPath | Sequence[AnyPath]) -> list[RunDirectory]:
    """The directories of one run or several.

    Raises:
        UserError: if one is no run, or is named twice.
    """
    named = paths("runs", runs)
    places = [os.path.realpath(name) for name in named]
    if twice := [name for name, p in zip(named, places, strict=True) if places.count(p) > 1]:
        raise UserError(f"received the run {twice[0]} twice; expected different runs")
    return [RunDirectory.open(name) for name in named]


def tested_runs(
    runs: Sequence[RunDirectory], choice: EpisodeChoice, progress: Progress
) -> list[TestedRun]:
    """The runs, tested.

    Args:
        runs: one or more.
        choice: of the episodes.
        progress: how the work gets on is told to it.

    Raises:
        UserError: if a run is damaged, there are no such episodes, or the runs' tasks, the kinds
            of their targets or their episodes differ.
    """
    # All are checked before the first is tested, which may take long.
    tests = [choice.of_run(run, progress) for run in runs]
    for run, each in zip(runs[1:], tests[1:], strict=True):
        check_same_tasks((str(runs[0].path), tests[0]), (str(run.path), each))
    tested: list[TestedRun] = []
    for number, run in enumerate(runs):
        learner, step = load_run(run, choice.checkpoint)
        part = progress.part(number / len(runs), 1 / len(runs), str(run.path))
        found = TestedRun(run, learner, step, tests[number], choice.options(), part)
        _ = found.found
        if tested:
            check_same_episodes(tested[0], found)
        tested.append(found)
    return tested
