"""The wrong answers of which the learner was surest."""

from collections import Counter
from collections.abc import Sequence

from tfmeta.reporting.answered import confidence_of, surest_mistakes
from tfmeta.reporting.blocks import Block, Cell, Gallery, Words
from tfmeta.reporting.shown_tasks import noted, shown_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST, _MOST_OF_A_KIND = 12, 2


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    if runs[0].source.target_kind.are_values:
        return []
    return [block for run in runs for block in _of(run)]


def _of(run: TestedRun) -> list[Block]:
    confidence, how = confidence_of(run)
    mistakes = _of_each_kind(run, surest_mistakes(run, confidence))[:_MOST]
    if not mistakes:
        return [Words(f"{run.name} answers every query rightly.")]
    tasks = dict.fromkeys(task for _, task, _ in mistakes)
    shown = {task.number: task for task in shown_tasks(run.tests, list(tasks))}
    cells = [
        _cell(run, shown[task].queries[query], task, query, sureness)
        for sureness, task, query in mistakes
    ]
    return [
        Gallery(
            cells,
            f"Of {run.name}, with its probabilities {how}; {_MOST_OF_A_KIND} of a kind at most",
        )
    ]


def _of_each_kind(
    run: TestedRun, mistakes: Sequence[tuple[float, int, int]]
) -> list[tuple[float, int, int]]:
    """The mistakes without more than a few queries of one class of a task with one answer."""
    seen: Counter[tuple[int, int, int]] = Counter()
    kept = []
    for mistake in mistakes:
        _, task, query = mistake
        kind = (task, int(run.found.targets[task][query]), _answer(run, task, query))
        seen[kind] += 1
        if seen[kind] <= _MOST_OF_A_KIND:
            kept.append(mistake)
    return kept


def _answer(run: TestedRun, task: int, query: int) -> int:
    return int(run.found.answers[task][query].argmax())


def _cell(run: TestedRun, cell: Cell, task: int, query: int, sureness: float) -> Cell:
    answer = _answer(run, task, query)
    right = int(run.found.targets[task][query])
    return noted(
        cell,
        run.class_name(task, right),
        f"taken for {run.class_name(task, answer)}, {100 * sureness:.0f}%",
        is_wrong=True,
    )
