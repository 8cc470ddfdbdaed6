"""What `tfmeta robustness` found of the runs: one plot and one table for each."""

from collections.abc import Sequence
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import kind_with
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.robustness.written_rows import (
    cells,
    columns,
    curve_of,
    explained,
    strengths,
)
from tfmeta.evaluation.written import PLUS_MINUS
from tfmeta.reporting.blocks import Block, Chart, Charts, Table, Words
from tfmeta.reporting.charts import COLOURS, FAINT, chart, legend, name_axis
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_LINES = ("-", "--", ":")  # once the colours are used up
_HEIGHT = 3.2  # inches


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    """Of each run the newest result; none if no run has one."""
    found: list[Block] = []
    for run in runs:
        try:
            results = run.run.robustness.read()
            if results:
                found += _of_run(run, results[-1])
        except (KeyError, TypeError, IndexError) as error:
            damaged = f"{run.run.robustness.path} is damaged: {type(error).__name__} {error}"
            raise UserError(damaged, exit_status=1) from error
    return found


def _of_run(run: TestedRun, facts: dict[str, Any]) -> list[Block]:
    metric, rows = facts["metric"], facts["conditions"]
    words = in_words(facts, kind=kind_with(metric))
    tasks = f"{counted(facts['num_tasks'], 'task')} of the {facts['split']} split"
    stale = "" if facts["step"] == run.step else ", which is not the step of this report"
    said = (
        f"{run.name} with something wrong with the episodes: {words}, {facts['mode']}, {tasks} of "
        f"{facts['pipeline']}, checkpoint of step {facts['step']}{stale}. {explained(facts)}"
    )
    names = columns(metric)
    shown = [[cell.replace(PLUS_MINUS, "±") for cell in cells(metric, row)] for row in rows]
    hits = [f"{name} of {strength}" for name, strength in strengths(rows)]
    table = Table(names, shown, names[1:], title=f"{run.name} under each condition")
    if not hits:  # other data alone
        return [Words(said), table]
    severities = Words(f"What is changed, and the severities: {'; '.join(hits)}.")
    return [Words(said), Charts([_chart(run.name, metric, rows)]), table, severities]


def _chart(name: str, metric: str, rows: list[dict[str, Any]]) -> Chart:
    """The score against the severity, a line for each change, and the clean score."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["severity"]:
            curves.setdefault(curve_of(row), []).append(row)
    clean = rows[0][metric]

    def draw(axes: Any) -> None:
        handles = [axes.axhline(clean, color=FAINT, linewidth=1.5)]
        for number, each in enumerate(curves.values()):
            turn, colour = divmod(number, len(COLOURS))
            x = [0, *(row["severity"] for row in each)]
            y = [clean, *(row[metric] for row in each)]
            style = {"color": COLOURS[colour], "linestyle": _LINES[turn % len(_LINES)]}
            handles += axes.plot(x, y, marker="o", markersize=4, **style)
        axes.set_xticks(range(1 + max(row["severity"] for row in rows)))
        axes.set_xlabel("severity; 0 is clean")
        name_axis(axes, metric)
        legend(axes, handles, ["clean", *curves])

    words = f"The {'error' if metric == 'mse' else 'accuracy'} of {name} by how severe each is."
    return chart(draw, words, height=_HEIGHT + 0.17 * len(curves))
