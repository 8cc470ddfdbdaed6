"""The score before and after each inner step, for learners that have some."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.evaluation.evaluator import mean_and_ci95
from tfmeta.reporting.blocks import Block, Charts, Table
from tfmeta.reporting.charts import COLOURS, chart, intervals, legend, name_axis
from tfmeta.reporting.figures import score
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    curves = {
        run.name: (run.found.facts["adaptation_steps"], _points(run.found.curves))
        for run in runs
        if run.found.curves.shape[1] > 1
    }
    if not curves:
        return []
    metric = runs[0].metric

    def draw(axes: Any) -> None:
        lines = [
            intervals(axes, steps, points, colour)
            for (steps, points), colour in zip(curves.values(), COLOURS, strict=False)
        ]
        axes.set_xlabel("inner steps")
        axes.get_xaxis().get_major_locator().set_params(integer=True)
        name_axis(axes, metric)
        legend(axes, lines, list(curves) if len(curves) > 1 else [])

    words = "The score after so many inner steps, with the 95% interval over the tasks."
    columns = ("run", "inner steps", metric)
    rows = [
        (name, str(step), score(metric, *point))
        for name, (steps, points) in curves.items()
        for step, point in zip(steps, points, strict=True)
    ]
    return [Charts([chart(draw, words)]), Table(columns, rows, columns[1:])]


def _points(curves: np.ndarray) -> list[tuple[float, float | None]]:
    return [mean_and_ci95(scores) for scores in curves.T]
