"""What `tfmeta.learn` has made of values, and what it has found out on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfmeta.errors import counted
from tfmeta.evaluation.leave_one_out_values import HeldOutValues
from tfmeta.workflows.learned_exports import LearnedExports

_ODD = 4.0  # deviations of an answer, from which a row is worth a look
_MOST_SHOWN = 10


@dataclass(frozen=True)
class LearnedValues(LearnedExports):
    """Two exports and a report.

    Attributes:
        adapted: the version's folder of the model that knows the rows: features in, a value and
            its variance out.
        learner: the version's folder of the model that takes any support set in its requests.
        target: the column that was learned.
        num_examples: rows that it was learned from.
        on: what the regression takes of a row.
        strength: of the prior of the linear regression, for columns of a deviation of one.
        held_out_by: what the groups of rows that were held out together are called; None if each
            row was by itself.
        rmse: root mean squared error of the answer to each row by what was learned from the
            others, in the target's unit.
        rmse_of_mean: the same for the mean of all others as the answer.
        coverage90: the share of rows within the 90% interval of their answer.
        odd_rows: `(line or row, deviations)` of rows whose answer is far off, the farthest first.
        warnings: what may spoil the model.
        seconds: that it took.
    """

    target: str
    num_examples: int
    on: str
    strength: float
    held_out_by: str | None
    rmse: float
    rmse_of_mean: float
    coverage90: float
    odd_rows: tuple[tuple[str, float], ...]
    warnings: tuple[str, ...]
    seconds: float

    def rows(self) -> list[tuple[str, str]]:
        values = f"values of {self.target} in {counted(self.num_examples, 'row')}"
        by = f"by linear regression on {self.on}"
        one = f"the {self.held_out_by} of a row" if self.held_out_by else "a row"
        found = [
            ("learned", f"{values}, {by} (strength {self.strength:g})"),
            ("off by", f"{self.rmse:.4g} (root mean squared) if {one} is held out"),
            ("", f"{self.rmse_of_mean:.4g} if the mean of the others is the answer"),
            ("intervals", f"{100 * self.coverage90:.0f}% of the values are in theirs, of 90%"),
        ]
        found += [("warning", each) for each in self.warnings]
        if self.rmse >= self.rmse_of_mean:
            found.append(("warning", "the features say no more of the values than their mean does"))
        shown = self.odd_rows[:_MOST_SHOWN]
        found += [("look at", f"{row}: off by {far:.1f} deviations") for row, far in shown]
        return [*found, *self.where("rows")]


def odd_rows(found: HeldOutValues, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """`(name, deviations)` of the rows whose answer is more than some deviations off."""
    far = (np.abs(found.errors) / np.sqrt(found.variances)).max(1)
    rows = [row for row in np.argsort(-far).tolist() if far[row] > _ODD]
    return tuple((names[row], float(far[row])) for row in rows)
