"""The tasks with the worst scores: their support sets and wrong answers, or what was done."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.environments.task_drawing import TaskDrawing
from tfmeta.episodes.target_kind import ACTIONS, CLASSES, VALUES
from tfmeta.reporting.blocks import Block, Chart, Charts, Sheet, SheetRow, Table
from tfmeta.reporting.charts import COLOURS, FAINT, chart, data_uri, legend
from tfmeta.reporting.figures import score
from tfmeta.reporting.shown_tasks import ShownTask, noted, shown_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST_SHOTS, _MOST_QUERIES, _MOST_CLASSES = 5, 6, 10  # shown of a task
_MOST_ROWS = 8  # of a table of answers
_PIXELS_PER_INCH = 96


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    show = _SHOWN[runs[0].source.target_kind.name]
    return [block for run in runs for block in show(run, _worst(run, 3 if len(runs) == 1 else 2))]


def _worst(run: TestedRun, number: int) -> list[int]:
    sign = run.source.target_kind.sign
    return np.argsort(sign * run.found.task_scores, kind="stable")[:number].tolist()


def _title(run: TestedRun, task: int) -> str:
    return f"Task {task} of {run.name}: {score(run.metric, run.found.task_scores[task])}"


# Classes


def _classes(run: TestedRun, worst: Sequence[int]) -> list[Block]:
    return [_sheet(run, task) for task in shown_tasks(run.tests, worst)]


def _sheet(run: TestedRun, task: ShownTask) -> Sheet:
    chosen = run.found.answers[task.number].argmax(-1)
    support_y, query_y = task.episode.support_y, task.episode.query_y
    rows = []
    for label in np.unique(support_y).tolist()[:_MOST_CLASSES]:
        support = [c for c, y in zip(task.support, support_y, strict=True) if y == label]
        wrong = [
            noted(cell, f"taken for {run.class_name(task.number, answer)}", is_wrong=True)
            for cell, y, answer in zip(task.queries, query_y, chosen.tolist(), strict=True)
            if y == label != answer
        ]
        number = int(np.sum(query_y == label))
        note = f"{number - len(wrong)} of {number} queries right"
        name = run.class_name(task.number, label)
        rows.append(SheetRow(name, support[:_MOST_SHOTS], wrong[:_MOST_QUERIES], note))
    return Sheet(rows, _title(run, task.number), "wrong answers")


# Values


def _values(run: TestedRun, worst: Sequence[int]) -> list[Block]:
    tasks = shown_tasks(run.tests, worst)
    one_number = run.source.input_shape == (1,) and run.source.target_size == 1
    if one_number:
        return [Charts([_line(run, task) for task in tasks])]
    return [_rows(run, task) for task in tasks]


def _line(run: TestedRun, task: ShownTask) -> Chart:
    """A task of one number in and one out, as a curve."""
    episode, answers = task.episode, run.found.answers[task.number]

    def draw(axes: Any) -> None:
        order = np.argsort(episode.query_x[:, 0])
        x = episode.query_x[order, 0]
        (right,) = axes.plot(x, episode.query_y[order, 0], ".", color=FAINT)
        (answer,) = axes.plot(x, answers[order, 0], color=COLOURS[0], marker=".")
        (known,) = axes.plot(
            episode.support_x[:, 0], episode.support_y[:, 0], "^", color=COLOURS[1]
        )
        axes.set(xlabel="input", ylabel="target")
        legend(axes, (known, right, answer), ("support", "queries' targets", "answers"))

    return chart(draw, f"{_title(run, task.number)}.", height=3.5)


def _rows(run: TestedRun, task: ShownTask) -> Table:
    """The queries of a task whose answers are farthest off."""
    answers, targets = run.found.answers[task.number], run.found.targets[task.number]
    off = np.square(answers - targets).mean(-1)
    rows = [
        (task.queries[q].words, _numbers(targets[q]), _numbers(answers[q]))
        for q in np.argsort(-off, kind="stable")[:_MOST_ROWS].tolist()
    ]
    columns = ("example", "target", "answer")
    return Table(columns, rows, columns[1:], _title(run, task.number))


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values.reshape(-1))


# Actions


def _actions(run: TestedRun, worst: Sequence[int]) -> list[Block]:
    """The tasks as their source draws them, if it does."""
    tests = run.tests
    acted_in = run.learner.embedded(run.source, tests.split)
    draw = acted_in.drawings(tests.split, tests.shape, seed=tests.seed)
    if draw is None:
        return []
    return [Charts(_drawn(run, task, draw(task))) for task in worst]


def _drawn(run: TestedRun, task: int, drawing: TaskDrawing) -> list[Chart]:
    """A picture, which can be printed, and beside it a moving one."""
    width, file = drawing.still.width / _PIXELS_PER_INCH, io.BytesIO()
    drawing.still.save(file, "PNG", optimize=True)
    words = f"{_title(run, task)}, {drawing.words}."
    moving = data_uri("image/gif", drawing.moving)
    return [
        Chart(data_uri("image/png", file.getvalue()), words, width),
        Chart(moving, "The first trajectory of each policy, as it goes on.", width),
    ]


_SHOWN = {CLASSES.name: _classes, VALUES.name: _values, ACTIONS.name: _actions}
