"""What is in the data: counts, and a task with the names of its classes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.inspection.findings import splits_of
from tfmeta.inspection.report_tables import split_table
from tfmeta.reporting.blocks import Block, Sheet, SheetRow, Table
from tfmeta.reporting.shown_tasks import shown_tasks
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST_CLASSES, _MOST_SHOTS, _MOST_QUERIES = 10, 3, 3  # of a task that is shown


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    views: dict[str, TestedRun] = {}
    for run in runs:
        views.setdefault(run.digest, run)
    found: list[Block] = []
    for run in views.values():
        whose = f", as {run.name} sees it" if len(views) > 1 else ""
        found += _of(run, whose)
    return found


def _of(run: TestedRun, whose: str) -> list[Block]:
    source, tests = run.source, run.tests
    columns, rows = split_table(splits_of(source, tests.shape), source.target_kind)
    shape = ("shape of an example", str(tuple(source.input_shape)))
    seen = source.input_format.seen() or [shape]
    blocks: list[Block] = [
        Table(columns, rows, columns[1:], f"Splits of {source.name}{whose}"),
        Table(("", ""), seen),
    ]
    if source.target_kind.are_values:
        return blocks
    for split in dict.fromkeys(("train", tests.split)):
        try:
            blocks.append(_task(replace(tests, split=split), whose))
        except UserError:  # a file of episodes has one split alone
            continue
    return blocks


def _task(tests: FixedEpisodes, whose: str) -> Sheet:
    """The first task of a split, which has no more classes and examples than can be looked at."""
    source = tests.source
    tests = replace(tests, num_tasks=1)
    (task,) = shown_tasks(tests, [0])
    names = source.names_of_classes(tests.split, tests.shape, tests.seed, 1)
    support_y, query_y = task.episode.support_y, task.episode.query_y
    rows = []
    for label in np.unique(support_y).tolist()[:_MOST_CLASSES]:
        name = names[0][label] if names else f"class {label}"
        support = [c for c, y in zip(task.support, support_y, strict=True) if y == label]
        queries = [c for c, y in zip(task.queries, query_y, strict=True) if y == label]
        rows.append(SheetRow(name, support[:_MOST_SHOTS], queries[:_MOST_QUERIES]))
    title = f"The first task of the {tests.split} split{whose}"
    return Sheet(rows, title)
