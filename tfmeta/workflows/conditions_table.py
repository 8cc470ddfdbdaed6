"""What a test of robustness found."""

from dataclasses import dataclass
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.errors import counted
from tfmeta.evaluation.written import written_difference, written_score
from tfmeta.inspection.lines import UNLIMITED, grid, wrapped
from tfmeta.terminal import plain_values


@dataclass(frozen=True)
class Robustness:
    """A learner on the same episodes under several conditions. `str` of it is the command's text.

    Attributes:
        facts: what `tfmeta robustness --json` prints: the protocol, and `conditions`, a list whose
            first is the clean episodes: each with `name`, `severity`, `strength`, `part`, the score
            under its name, `ci95`, for classes `ece`, the expected calibration error of the
            softmax; and all but the first with the paired `difference` to it, `difference_ci95`,
            `p_corrected` by Holm's method, and whether the difference `holds`.
    """

    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The protocol and the table, in lines of so many characters."""
        facts = plain_values(self.facts)
        metric, rows = facts["metric"], facts["conditions"]
        words = in_words(facts, are_values=metric == "mse")
        tasks = f"{counted(facts['num_tasks'], 'task')} of the {facts['split']} split"
        heading = f"{facts['run']}, {facts['pipeline']}, {words}, {facts['mode']}, {tasks}"
        columns = (
            "condition",
            "of",
            metric,
            "difference",
            "holds",
            "ece",
            "strength",
        )
        said = (
            "Differences are to the clean episodes, task by task, with 95% intervals; one holds if "
            f"p is less than 5% after Holm's correction for {len(rows) - 1}. ece is the expected "
            f"calibration error of the softmax. Seed {facts['seed']}"
        )
        cells = [_cells(metric, row) for row in rows]
        table = grid(columns, cells, width, right=(metric, "difference", "ece"))
        return [*wrapped(heading, width, later="  "), *table, *wrapped(said, width)]


def _cells(metric: str, row: dict[str, Any]) -> tuple[str, ...]:
    has_difference = "difference" in row
    return (
        f"{row['name']} {row['severity'] or ''}".strip(),
        row["part"],
        written_score(metric, row[metric], row["ci95"]),
        written_difference(metric, row) if has_difference else "",
        ("yes" if row["holds"] else "no") if has_difference else "",
        f"{row['ece']:.3f}" if "ece" in row else "",
        row["strength"],
    )
