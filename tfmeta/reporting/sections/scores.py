"""The scores of the runs beside what needs no learning, and the paired differences."""

from collections.abc import Sequence
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.errors import counted
from tfmeta.evaluation.paired import LEAST_TASKS
from tfmeta.reporting.blocks import Block, Chart, Charts, Table, Words
from tfmeta.reporting.charts import COLOURS, FAINT, chart, name_axis, short
from tfmeta.reporting.figures import difference, score
from tfmeta.reporting.paired_runs import comparison_of
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    facts = comparison_of(runs, progress)
    words = in_words(facts, kind=runs[0].source.target_kind)
    tasks = f"{counted(facts['num_tasks'], 'task')} of the {facts['split']} split"
    said = (
        f"{words}, {tasks} of {runs[0].source.name}, seed {facts['seed']}, the same for all rows. "
        "Intervals are 95% intervals over the tasks."
    )
    return [Words(said), _scores(facts), Charts([_chart(facts)]), *_differences(facts, runs)]


def _scores(facts: dict[str, Any]) -> Table:
    metric = facts["metric"]
    rows = [
        (each["run"], f"{each['algorithm']} on {each['network']}, {each['mode']}", each)
        for each in facts["runs"]
    ]
    rows += [(name, "without learning", each) for name, each in _others(facts)]
    cells = [(*names, score(metric, each[metric], each["ci95"])) for *names, each in rows]
    return Table(("run", "learner", metric), cells, numbers=(metric,))


def _others(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What needs no learning, by name; a run that is alone need not be named."""
    names = [each["run"] for each in facts["runs"]]
    alone = f"{names[0]}: " if len(names) == 1 else None
    return [
        (f"its {name.removeprefix(alone)}" if alone and name.startswith(alone) else name, each)
        for each in facts["baselines"]
        for name in (each["name"],)
    ]


def _chart(facts: dict[str, Any]) -> Chart:
    """Each score with its interval, one line each."""
    metric = facts["metric"]
    rows = [(each["run"], each, COLOURS[0]) for each in facts["runs"]]
    rows += [(name, each, FAINT) for name, each in _others(facts)]

    def draw(axes: Any) -> None:
        for place, (_, row, colour) in enumerate(rows):
            axes.errorbar(
                row[metric], place, xerr=row["ci95"], fmt="o", color=colour, capsize=4, markersize=5
            )
        axes.set_yticks(range(len(rows)), [short(name, 34) for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        name_axis(axes, metric, side="x")

    words = "The scores with their 95% intervals; in grey what needs no learning."
    return chart(draw, words, height=0.9 + 0.32 * len(rows))


def _differences(facts: dict[str, Any], runs: Sequence[TestedRun]) -> list[Block]:
    found = facts["differences"]
    if not found:
        return [Words(f"For paired differences there must be {LEAST_TASKS} tasks or more.")]
    said = (
        "Differences on the same tasks. One holds if p is less than 5%: that of the paired t-test, "
        "corrected for the number of differences by Holm's method."
    )
    tables = [_table(run.name, found, facts["metric"]) for run in runs]
    return [*(each for each in tables if each.rows), Words(said), *_unbeaten(found, runs)]


def _table(run: str, found: list[dict[str, Any]], metric: str) -> Table:
    rows = [
        (
            each["than"].replace(f"{run}: ", "its ", 1),
            difference(metric, each),
            "yes" if each["holds"] else "no",
            f"{each['p_corrected']:.2g}",
        )
        for each in found
        if each["of"] == run
    ]
    return Table(
        ("minus", "difference", "holds", "p"), rows, ("difference", "p"), f"{run} minus others"
    )


def _unbeaten(found: list[dict[str, Any]], runs: Sequence[TestedRun]) -> list[Words]:
    """A sentence for each run that does not surely beat what needs no learning."""
    sign = runs[0].source.target_kind.sign
    names = [run.name for run in runs]
    lines = []
    for name in names:
        without = [each for each in found if each["of"] == name and each["than"] not in names]
        not_surely = [
            each["than"].replace(f"{name}: ", "its ", 1)
            for each in without
            if not each["holds"] or sign * each["difference"] <= 0
        ]
        if not_surely:
            lines.append(Words(f"{name} does NOT surely beat: {'; '.join(not_surely)}."))
    return lines
