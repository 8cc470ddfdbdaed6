"""The sections of a report, each a file with its row here.

A section is a function `(runs, progress) -> blocks`. One that has nothing to say of such runs
returns none, and is left out.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from tfmeta.errors import UserError
from tfmeta.reporting.page import Section
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress


@dataclass(frozen=True)
class Row:
    """A section.

    Attributes:
        title: its heading.
        module: of this package; its function `blocks` makes the section.
        cost: how long it takes, as a share of the time that all take.
    """

    title: str
    module: str
    cost: float = 0.01


SECTIONS = (
    Row("Result", "scores", 0.2),
    Row("Data", "data_seen", 0.05),
    Row("Learning", "learning_curves"),
    Row("Adaptation", "adaptation_curves"),
    Row("Ways and shots", "task_sizes", 0.5),
    Row("Classes and confusions", "confused_classes"),
    Row("The worst tasks", "worst_tasks", 0.04),
    Row("The surest mistakes", "surest_mistakes", 0.04),
    Row("What answers rest on", "grounds", 0.1),
    Row("Calibration and unknown classes", "certainties", 0.1),
    Row("When something is wrong with the input", "conditions"),
    Row("Protocol", "protocols"),
    Row("Environment", "surroundings"),
    Row("To repeat it", "repeating"),
)


def sections_of(
    runs: Sequence[TestedRun], progress: Progress, *, without: Sequence[str] = ()
) -> list[Section]:
    """The sections that have something to say.

    Args:
        runs: on the same episodes.
        progress: is told how the work gets on, and why a section is left out.
        without: the modules of sections that are left out.
    """
    found = []
    rows = [row for row in SECTIONS if row.module not in without]
    done, total = 0.0, sum(row.cost for row in rows)
    for row in rows:
        section = importlib.import_module(f"{__name__}.{row.module}")
        part = progress.part(done / total, row.cost / total, row.title)
        try:
            blocks = section.blocks(runs, part)
        except UserError as error:
            progress.say(f"without the section {row.title!r}: {error}")
            blocks = []
        done += row.cost
        progress.advance(done / total, row.title)
        if blocks:
            found.append(Section(row.title, blocks))
    return found
