"""How far probabilities can be believed, and how well queries of other classes are told apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.episodes.episode_shape import in_words
from tfmeta.errors import UserError
from tfmeta.evaluation.calibration import (
    expected_calibration_error,
    reliability,
    unknown_auroc,
)
from tfmeta.reporting.blocks import Block, Chart, Charts, Table, Words
from tfmeta.reporting.charts import COLOURS, FAINT, chart, legend
from tfmeta.reporting.tested_run import Certainty, TestedRun
from tfmeta.training.progress import Progress

_BINS = 10
_SCORE_BINS = 20


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    if runs[0].source.target_kind.are_values:
        return []
    found = []
    for run in runs:
        try:
            found.append((run, run.certainty))
        except UserError as error:
            progress.say(f"without the calibration of {run.name}: {error}")
    if not found:
        return []
    protocol = found[0][1].protocol
    said = (
        f"The temperature is fitted on {protocol['num_tasks']} validation tasks, and all is "
        f"measured on as many test tasks: {in_words(protocol)}, seed {protocol['seed']}, with as "
        "many classes that are not in the support set, if there are enough. The calibration error "
        "(ECE) is the mean difference of confidence and accuracy; AUROC is how often a query of "
        "another class has a higher score “unknown” than one of a known class."
    )
    charts = [each(run.name, certainty) for run, certainty in found for each in (_curve, _unknown)]
    return [Words(said), _table(found), Charts([each for each in charts if each is not None])]


def _table(found: Sequence[tuple[TestedRun, Certainty]]) -> Table:
    columns = ("run", "temperature", "ECE before", "ECE after", "unknown AUROC")
    rows = []
    for run, certainty in found:
        fitted, answers = certainty.confidence, certainty.answers
        before, after = (expected_calibration_error(c, answers) for c in (Confidence(), fitted))
        auroc = unknown_auroc(fitted, answers)
        rows.append(
            (
                run.name,
                f"{fitted.temperature:.3g}",
                f"{100 * before:.1f}%",
                f"{100 * after:.1f}%",
                "-" if auroc is None else f"{auroc:.3f}",
            )
        )
    return Table(columns, rows, columns[1:])


def _curve(name: str, certainty: Certainty) -> Chart:
    """The accuracy of answers by how sure they are, before and after calibration."""
    confidences = (
        ("before calibration", Confidence(), FAINT),
        ("after calibration", certainty.confidence, COLOURS[0]),
    )

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        handles = []
        for _, confidence, colour in confidences:
            numbers, sureness, right = reliability(confidence, certainty.answers, _BINS)
            has = numbers > 0
            sizes = 8 + 80 * numbers[has] / numbers.sum()
            x, y = sureness[has] / numbers[has], right[has] / numbers[has]
            (line,) = axes.plot(x, y, color=colour)
            axes.scatter(x, y, sizes, color=colour)
            handles.append(line)
        axes.set(
            xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share of right answers"
        )
        legend(axes, handles, [name for name, *_ in confidences])

    words = (
        f"How often answers of {name} are right, by how sure they are; on the dotted line they are "
        "as often right as they say. Larger dots are more answers."
    )
    return chart(draw, words, height=3.6)


def _unknown(name: str, certainty: Certainty) -> Chart | None:
    """The `unknown` score of queries of known and of other classes."""
    answers, score = certainty.answers, certainty.confidence.unknown
    if not len(answers.unknown):
        return None
    groups = (("known classes", answers.known), ("other classes", answers.unknown))

    def draw(axes: Any) -> None:
        edges = np.linspace(0, 1, _SCORE_BINS + 1)
        bars = [
            axes.hist(
                score(logits).numpy(),
                edges,
                weights=np.full(len(logits), 1 / len(logits)),
                color=colour,
                alpha=0.55,
            )[2][0]
            for (_, logits), colour in zip(groups, COLOURS, strict=False)
        ]
        axes.set(xlabel="score “unknown”", ylabel="share of the queries")
        legend(axes, bars, [f"queries of {kind}" for kind, _ in groups])

    return chart(draw, f"The score “unknown” that {name} gives to queries.", height=3.6)
