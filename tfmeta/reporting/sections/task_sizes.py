"""The score against the number of ways and of shots, the other sizes as in the test."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.evaluator import Evaluator, mean_and_ci95
from tfmeta.reporting.blocks import Block, Chart, Charts, Table, Words
from tfmeta.reporting.charts import COLOURS, chart, intervals, legend, name_axis
from tfmeta.reporting.figures import score
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_SIZES = {"shots": (1, 2, 5, 10, 20), "ways": (2, 5, 10, 20)}
_MOST_TASKS = 100  # of each size
Points = dict[int, tuple[float, float | None]]  # the mean score and half of its interval, by size


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    wanted = [(run, name) for name in _SIZES for run in runs]
    found: dict[str, dict[str, Points]] = {name: {} for name in _SIZES}
    for number, (run, name) in enumerate(wanted):
        part = progress.part(number / len(wanted), 1 / len(wanted), f"{run.name}, {name}")
        points = _points(run, name, part)
        if len(points) > 1:
            found[name][run.name] = points
    tasks = counted(min(runs[0].tests.num_tasks, _MOST_TASKS), "task")
    metric = runs[0].metric
    shown = [(name, curves) for name, curves in found.items() if curves]
    if not shown:
        return []
    said = f"Each point is of {tasks} of the {runs[0].tests.split} split, with its 95% interval."
    return [
        Words(said),
        Charts([_chart(name, curves, metric) for name, curves in shown]),
        *(_table(name, curves, metric) for name, curves in shown),
    ]


def _points(run: TestedRun, name: str, progress: Progress) -> Points:
    """The scores by the numbers of ways or shots for which there are tasks."""
    found: Points = {}
    sizes = list(_possible(run, name))
    for done, tests in enumerate(sizes):
        size = getattr(tests.shape, f"num_{name}")
        progress.advance(done / len(sizes), str(size))
        try:
            scores = Evaluator(run.learner, tests).measure().task_scores
        except UserError:  # more ways than the learner answers
            continue
        found[size] = mean_and_ci95(scores)
    return found


def _possible(run: TestedRun, name: str) -> Iterator[FixedEpisodes]:
    """The episodes of each size that the data has."""
    shape = run.tests.shape
    own = getattr(shape, f"num_{name}")
    if getattr(shape, name).varies:
        return
    for size in sorted({*_SIZES[name], own}):
        tests = replace(
            run.tests,
            shape=shape.changed(**{f"num_{name}": size}),
            num_tasks=min(run.tests.num_tasks, _MOST_TASKS),
        )
        try:
            run.source.target_kind.check_ways(tests.shape.num_ways)
            run.source.check(tests.split, tests.shape)
        except UserError:
            continue
        yield tests


def _chart(name: str, curves: dict[str, Points], metric: str) -> Chart:
    def draw(axes: Any) -> None:
        lines = [
            intervals(axes, list(points), points.values(), colour)
            for points, colour in zip(curves.values(), COLOURS, strict=False)
        ]
        sizes = sorted({size for points in curves.values() for size in points})
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(name)
        name_axis(axes, metric)
        legend(axes, lines, list(curves) if len(curves) > 1 else [])

    return chart(draw, f"The score against the number of {name}.")


def _table(name: str, curves: dict[str, Points], metric: str) -> Table:
    sizes = sorted({size for points in curves.values() for size in points})
    rows = [
        (run, *(score(metric, *points[s]) if s in points else "-" for s in sizes))
        for run, points in curves.items()
    ]
    numbers = tuple(f"{size} {name}" for size in sizes)
    return Table(("run", *numbers), rows, numbers, f"By {name}", is_folded=True)
