"""The accuracy of each class, and which classes are taken for which."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.errors import counted
from tfmeta.reporting.answered import ByClass, by_class
from tfmeta.reporting.blocks import Block, Chart, Charts, Table, Words
from tfmeta.reporting.charts import chart, short
from tfmeta.reporting.figures import mean_score
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST_ROWS = 10  # of a table that is open
_MOST_CLASSES = 20  # of a matrix


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    if runs[0].source.target_kind.are_values:
        return []
    found = [(run, each) for run in runs if (each := by_class(run)) is not None]
    if not found:
        return []
    first = found[0][1]
    names = sorted(first.shares, key=lambda name: (np.mean(first.shares[name]), name))
    every = _accuracies(found, names, f"All {counted(len(names), 'class')}")
    title = f"The {_MOST_ROWS} worst of {counted(len(names), 'class')}"
    shown: list[Block] = [every]
    if len(names) > _MOST_ROWS:
        shown = [_accuracies(found, names[:_MOST_ROWS], title), _folded(every)]
    charts = [chart for run, each in found if (chart := _matrix(run, each)) is not None]
    return [
        *shown,
        Words("The interval of a class is over the tasks that it is in."),
        *(_confusions(run, each) for run, each in found),
        *([Charts(charts)] if charts else []),
    ]


def _folded(table: Table) -> Table:
    return Table(table.columns, table.rows, table.numbers, table.title, is_folded=True)


def _accuracies(
    found: Sequence[tuple[TestedRun, ByClass]], names: Sequence[str], title: str
) -> Table:
    runs = [run.name if len(found) > 1 else "accuracy" for run, _ in found]
    rows = [
        (
            name,
            *(mean_score("accuracy", np.array(each.shares[name])) for _, each in found),
            f"{len(found[0][1].shares[name]):,}",
            f"{found[0][1].queries[name]:,}",
        )
        for name in names
    ]
    return Table(("class", *runs, "tasks", "queries"), rows, (*runs, "tasks", "queries"), title)


def _confusions(run: TestedRun, each: ByClass) -> Block:
    pairs = each.confusions()
    if not pairs:
        return Words(f"{run.name} takes no query for another class.")
    rows = [
        (one, other, f"{each.taken[one, other]:,}", f"{100 * share:.1f}%")
        for share, one, other in pairs[:_MOST_ROWS]
    ]
    columns = ("queries of", "taken for", "number", "of those in tasks with both")
    title = f"The most frequent confusions of {run.name}"
    return Table(columns, rows, columns[2:], title)


def _matrix(run: TestedRun, each: ByClass) -> Chart | None:
    """The confusions as a matrix, of the classes that take part in the most frequent ones."""
    pairs = each.confusions()
    if not pairs:
        return None
    names = list(each.shares)
    if len(names) > _MOST_CLASSES:
        names = list(dict.fromkeys(name for _, *pair in pairs for name in pair))[:_MOST_CLASSES]
    names.sort()
    shares = np.array([[_share(each, one, other) for other in names] for one in names])

    def draw(axes: Any) -> None:
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(shares), cmap="Blues", vmin=0, edgecolors="white", linewidth=0.5
        )
        axes.get_figure().colorbar(mesh, ax=axes, shrink=0.8, label="share of the queries")
        places, labels = np.arange(len(names)) + 0.5, [short(name, 32) for name in names]
        axes.set_xticks(places, labels, rotation=90)
        axes.set_yticks(places, labels)
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set(xlabel="answer", ylabel="class", aspect="equal")

    words = (
        f"Which classes {run.name} takes for which: rows are classes, columns are wrong answers, "
        "the share is of the queries in tasks with both. A pair that is in no task is blank."
    )
    size = 4.5 + 0.16 * len(names)
    return chart(draw, words, width=size, height=size)


def _share(each: ByClass, one: str, other: str) -> float:
    possible = each.possible[one, other]
    return each.taken[one, other] / possible if possible else np.nan
