"""The wrong answers of which the learner was surest."""

from collections.abc import Sequence

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.errors import UserError
from tfmeta.reporting.blocks import Block, Cell, Gallery, Words
from tfmeta.reporting.sections.worst_tasks import name_of
from tfmeta.reporting.shown_tasks import noted, shown_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST = 12


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    if runs[0].source.target_kind.are_values:
        return []
    return [block for run in runs for block in _of(run)]


def _of(run: TestedRun) -> list[Block]:
    confidence, how = _confidence(run)
    mistakes = _mistakes(run, confidence)
    if not mistakes:
        return [Words(f"{run.name} answers every query rightly.")]
    tasks = dict.fromkeys(task for _, task, _ in mistakes)
    shown = {task.number: task for task in shown_tasks(run.tests, list(tasks))}
    cells = [
        _cell(run, shown[task].queries[query], task, query, sureness)
        for sureness, task, query in mistakes
    ]
    return [Gallery(cells, f"Of {run.name}, with its probabilities {how}")]


def _cell(run: TestedRun, cell: Cell, task: int, query: int, sureness: float) -> Cell:
    answer = int(run.found.answers[task][query].argmax())
    right = int(run.found.targets[task][query])
    return noted(
        cell,
        f"{name_of(run, task, right)}",
        f"taken for {name_of(run, task, answer)}, {100 * sureness:.0f}%",
        is_wrong=True,
    )


def _confidence(run: TestedRun) -> tuple[Confidence, str]:
    try:
        return run.certainty.confidence, "after calibration"
    except UserError:
        return Confidence(), "as they are"


def _mistakes(run: TestedRun, confidence: Confidence) -> list[tuple[float, int, int]]:
    """`(probability, task, query)` of the surest wrong answers; each query once in a task."""
    found = []
    for task, (outputs, targets) in enumerate(
        zip(run.found.answers, run.found.targets, strict=True)
    ):
        probabilities = confidence.probabilities(outputs).numpy()
        for query in np.flatnonzero(outputs.argmax(-1) != targets).tolist():
            found.append((float(probabilities[query].max()), task, query))
    return sorted(found, key=lambda each: (-each[0], *each[1:]))[:_MOST]
