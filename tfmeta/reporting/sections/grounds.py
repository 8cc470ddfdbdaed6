"""What the surest mistake of a run rests on: support examples, parts of the input, inner steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.explaining.explainer import Explainer
from tfmeta.explaining.explanation import Explanations
from tfmeta.reading.example_reader import Place, SupportSet
from tfmeta.reporting.answered import confidence_of, surest_mistakes
from tfmeta.reporting.blocks import Block, Charts, Words
from tfmeta.reporting.charts import chart_of
from tfmeta.reporting.shown_tasks import ShownTask, shown_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST_SUPPORT = 100  # examples of a task; without each of them a learner may adapt anew


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    found = [block for run in runs for block in _of(run, progress)]
    if not found:
        return []
    said = (
        "The surest mistake of a run, or the answer that is farthest off. Red speaks for the "
        "answer, blue against it; probabilities are those before calibration. `tfmeta explain` "
        "says it of your own examples, in numbers."
    )
    return [Words(said), *found]


def _of(run: TestedRun, progress: Progress) -> list[Block]:
    chosen = _chosen(run)
    needs_words = run.source.input_format.from_words([]) is not None
    if chosen is None or (needs_words and run.source.numbered() is None):
        return []  # a file of episodes has prepared examples alone
    (task,) = shown_tasks(run.tests, [chosen[0]])
    if len(task.support) > _MOST_SUPPORT:
        progress.say(
            f"without what answers of {run.name} rest on: a task has {len(task.support)} support "
            f"examples; expected {_MOST_SUPPORT} at most"
        )
        return []
    found, query = _explained(run, task, chosen[1], progress), chosen[1]
    words = f"Query {query} of task {task.number} of {run.name}{_what(run, task.number, query)}."
    return [Charts([chart_of(lambda: _figure(found), words)])]


def _chosen(run: TestedRun) -> tuple[int, int] | None:
    """The task and the query; None if every answer is right, or none can be."""
    if not run.source.target_kind.are_right_answers:
        return None
    if run.source.target_kind.are_values:
        pairs = zip(run.found.answers, run.found.targets, strict=True)
        off = [np.square(answers - targets).mean(-1) for answers, targets in pairs]
        task = int(np.argmax([each.max() for each in off]))
        return task, int(off[task].argmax())
    mistakes = surest_mistakes(run, confidence_of(run)[0])
    return mistakes[0][1:] if mistakes else None


def _what(run: TestedRun, task: int, query: int) -> str:
    if run.source.target_kind.are_values:
        return ", whose answer is farthest off"
    target, answers = int(run.found.targets[task][query]), run.found.answers[task][query]
    names = (run.class_name(task, label) for label in (target, int(answers.argmax())))
    return ", {}, which is taken for {}".format(*names)


def _explained(run: TestedRun, task: ShownTask, query: int, progress: Progress) -> Explanations:
    episode = task.episode
    form = run.source.input_format
    read = form.from_words([cell.words for cell in (*task.support, task.queries[query])])
    support_x, queries = episode.support_x, episode.query_x[query : query + 1]
    if read is not None:
        support_x, queries = read[:-1], read[-1:]
    names = None
    if not run.source.target_kind.are_values:
        labels = range(int(episode.support_y.max()) + 1)
        names = [run.class_name(task.number, label) for label in labels]
    support = SupportSet(names, support_x, episode.support_y, _places(task))
    explainer = Explainer(
        run.learner,
        form,
        support,
        on_progress=lambda done, total: progress.advance(done / total, f"{done:,} adaptations"),
        prepare=None if read is not None else lambda x: x,
    )
    words = task.queries[query].words if read is not None else None
    place = Place(f"query {query}") if words is None else Place(None, text=words)
    found = explainer.explain([place], queries)
    facts = {**explainer.facts, "support": {"path": ""}}
    return Explanations(facts, found, explainer.support_pictures)


def _places(task: ShownTask) -> list[Place]:
    return [
        Place(None, row=number, text=cell.words) if cell.words else Place(f"example {number}")
        for number, cell in enumerate(task.support, 1)
    ]


def _figure(found: Explanations) -> Any:
    from tfmeta.explaining.explanation_pictures import figure_of  # imports Matplotlib

    return figure_of(found, 0)
