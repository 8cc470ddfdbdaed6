"""On which episodes the runs were tested, and how."""

from collections.abc import Sequence

from tfmeta.episodes.episode_shape import in_words
from tfmeta.reporting.blocks import Block, Table
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    rows = {
        "pipeline": [run.source.name for run in runs],
        "split": [run.tests.split for run in runs],
        "task": [_task(run) for run in runs],
        "classes of a task": [_classes(run) for run in runs],
        "tasks": [f"{run.tests.num_tasks:,}" for run in runs],
        "seed of the tasks": [str(run.tests.seed) for run in runs],
        "mode": [run.found.facts["mode"] for run in runs],
        "checkpoint": [f"of step {run.step:,}" for run in runs],
        "seed of the run": [str(run.run.settings.seed) for run in runs],
        "SHA-256 of the episodes": [run.digest for run in runs],
    }
    columns = ("", *(run.name for run in runs))
    return [Table(columns, [(name, *cells) for name, cells in rows.items() if any(cells)])]


def _task(run: TestedRun) -> str:
    return in_words(run.tests.shape.protocol(), kind=run.source.target_kind)


def _classes(run: TestedRun) -> str:
    shape = run.tests.shape
    parts = {
        "of one group": shape.within_group,
        "queries of another group than the support set": shape.query_other_group,
        "small classes left out": shape.skip_small_classes,
        "each with its own number of shots": shape.unbalanced,
    }
    return ", ".join(words for words, holds in parts.items() if holds)
