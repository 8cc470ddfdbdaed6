"""What a comparison of runs found."""

from dataclasses import dataclass
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import kind_with
from tfmeta.errors import counted, listed
from tfmeta.evaluation.facts import Facts
from tfmeta.evaluation.written import written_difference, written_score
from tfmeta.inspection.lines import UNLIMITED, grid, wrapped
from tfmeta.terminal import plain_values

_INDENT = "  "


@dataclass(frozen=True)
class Comparison(Facts):
    """Runs on the same episodes. `str(comparison)` is the text that `tfmeta compare` prints.

    Attributes:
        facts: what `tfmeta compare --json` prints: the protocol; `runs` and `baselines` with their
            scores and intervals; and `differences` (`of` minus `than`) with their 95% intervals,
            the p-value of the paired t-test before and after Holm's correction for the number of
            differences, and whether each `holds`. One task has no differences.
    """

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The scores, the differences and which hold, in lines of so many characters.

        Control characters in names are shown escaped.
        """
        facts = plain_values(self.facts)
        modes = listed(sorted({run["mode"] for run in facts["runs"]}))
        words = in_words(facts, kind=kind_with(facts["metric"]))
        tasks = f"{counted(facts['num_tasks'], 'task')} of the {facts['split']} split"
        heading = f"{facts['runs'][0]['pipeline']}, {words}, {modes}, {tasks}, seed {facts['seed']}"
        lines = [*wrapped(heading, width, later=_INDENT), *self._scores(facts, width), ""]
        if not facts["differences"]:
            return [*lines, "one task has no differences; expected 2 tasks or more"]
        number = counted(len(facts["differences"]), "difference")
        said = (
            f"{number} on the same tasks, with 95% intervals. One holds if p is less than 5%: that "
            "of the paired t-test, corrected for their number by Holm's method."
        )
        return [*lines, *wrapped(said, width), *self._differences(facts, width)]

    def _scores(self, facts: dict[str, Any], width: int) -> list[str]:
        metric = facts["metric"]
        runs = [
            (run["run"], f"{run['algorithm']} on {run['network']}", _score(run, metric))
            for run in facts["runs"]
        ]
        beside = [(row["name"], _score(row, metric)) for row in facts["baselines"]]
        lines = grid(("run", "learner", metric), runs, width, right=(metric,))
        if beside:
            lines += ["", *grid(("without learning", metric), beside, width, right=(metric,))]
        return lines

    def _differences(self, facts: dict[str, Any], width: int) -> list[str]:
        lines = []
        for run in facts["runs"]:
            first = f"{run['run']} minus"
            rows = [
                _cells(facts["metric"], each)
                for each in facts["differences"]
                if each["of"] == run["run"]
            ]
            if rows:
                columns = (first, "difference", "holds", "p")
                lines += ["", *grid(columns, rows, width, right=("difference", "p"))]
        return lines


def _score(row: dict[str, Any], metric: str) -> str:
    return written_score(metric, row[metric], row["ci95"])


def _cells(metric: str, row: dict[str, Any]) -> tuple[str, ...]:
    than = row["than"].replace(f"{row['of']}: ", "its ", 1)
    difference = written_difference(metric, row)
    return than, difference, "yes" if row["holds"] else "no", f"{row['p_corrected']:.2g}"
