"""What a test of robustness found."""

from dataclasses import dataclass

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import kind_with
from tfmeta.errors import counted
from tfmeta.evaluation.facts import Facts
from tfmeta.evaluation.robustness.written_rows import cells, columns, explained, strengths
from tfmeta.inspection.lines import UNLIMITED, grid, labelled, wrapped
from tfmeta.terminal import plain_values


@dataclass(frozen=True)
class Robustness(Facts):
    """A learner on the same episodes under several conditions. `str` of it is the command's text.

    Attributes:
        facts: what `tfmeta robustness --json` prints: the protocol; `confidence`, how the
            probabilities were calibrated, or why not, None for values; and `conditions`, a list
            whose first is the clean episodes: each with `name`, `severity`, `strength`, `part`, the
            score under its name, `ci95`, for classes `ece`, the expected calibration error, and
            `unknown_auroc`; and all but the first with the `difference` to it, `difference_ci95`,
            `p_corrected` by Holm's method, and whether the difference `holds`.
        not_recorded: why it is not in the run's robustness.json; None if it is.
    """

    not_recorded: str | None = None

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The protocol and the table, in lines of so many characters."""
        facts = plain_values(self.facts)
        metric, rows = facts["metric"], facts["conditions"]
        words = in_words(facts, kind=kind_with(metric))
        tasks = f"{counted(facts['num_tasks'], 'task')} of the {facts['split']} split"
        heading = f"{facts['run']}, {facts['pipeline']}, {words}, {facts['mode']}, {tasks}"
        names = columns(metric)
        table = grid(names, [cells(metric, row) for row in rows], width, right=names[1:])
        said = explained(facts)
        return [
            *wrapped(heading, width, later="  "),
            *table,
            *labelled(strengths(rows), width),
            *wrapped(said, width),
        ]
