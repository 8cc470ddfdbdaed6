"""How the runs learned: their training and validation metrics, step by step."""

from collections.abc import Sequence
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.errors import counted
from tfmeta.reporting.blocks import Block, Chart, Charts, Table
from tfmeta.reporting.charts import COLOURS, chart, legend, name_axis
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress
from tfmeta.training.run_summary import why_stopped
from tfmeta.training.shapes import episode_shape, training_shape


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    kind = runs[0].source.target_kind
    curves = (
        (kind.metric, kind.validation_metric, "training (dashed) and validation (solid)"),
        ("loss", None, "the training loss"),
    )
    charts = [found for each in curves if (found := _chart(runs, *each)) is not None]
    return [*([Charts(charts)] if charts else []), _table(runs)]


def _chart(
    runs: Sequence[TestedRun], training: str, validation: str | None, what: str
) -> Chart | None:
    lines = [
        (run, name, style, found)
        for run in runs
        for name, style in ((training, "--"), (validation, "-"))
        if name and (found := _values(run, name))
    ]
    if not lines:
        return None

    def draw(axes: Any) -> None:
        handles, names = [], []
        for run, _, style, found in lines:
            colour = COLOURS[list(runs).index(run) % len(COLOURS)]
            dots = {"marker": "o", "markersize": 4} if len(found) < 30 else {}
            (line,) = axes.plot(*zip(*found, strict=True), style, color=colour, **dots)
            if run.name not in names:
                handles.append(line)
                names.append(run.name)
        axes.set_xlabel("step")
        if training == "loss":
            axes.set_ylabel("loss")
        else:
            name_axis(axes, training)
        legend(axes, handles, names if len(runs) > 1 else [])

    return chart(draw, f"By step: {what}.")


def _values(run: TestedRun, name: str) -> list[tuple[int, float]]:
    return [(line["step"], line[name]) for line in run.run.metrics.read() if name in line]


def _table(runs: Sequence[TestedRun]) -> Table:
    facts = [_facts(run) for run in runs]
    rows = [(name, *(each[name] for each in facts)) for name in facts[0]]
    return Table(("", *(run.name for run in runs)), rows)


def _facts(run: TestedRun) -> dict[str, str]:
    settings, kind = run.run.settings, run.source.target_kind
    own, training = (
        in_words(shape.protocol(), kind=kind)
        for shape in (episode_shape(settings), training_shape(settings))
    )
    done, best = f"{run.run.step:,}", run.run.best
    tasks = counted(settings.validation_tasks, "task")
    return {
        "trained on": training,
        "validated on": f"{own}, {tasks}" if settings.validation_tasks else "-",
        "steps": done if settings.steps is None else f"{done} of {settings.steps:,}",
        "best by validation": f"step {best[0]:,}" if best else "-",
        "minutes": f"{run.run.minutes:.3g}",
        "ended": why_stopped(run.run),
    }
