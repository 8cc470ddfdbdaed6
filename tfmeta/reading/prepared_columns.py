"""Vectors of numbers after they have been prepared, which means centred and scaled."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.reading import doubtful_columns as doubtful
from tfmeta.reading.prepared import Prepared

_MOSTLY = 0.99  # of the rows; a column that has one value in more of them hardly tells rows apart
_MOST_NAMED = 5
_DOUBTFUL = (  # keys of the facts, what such columns are, and what to do about them
    (
        ("repeated_features", "repeated_categories"),
        "equal to an earlier one",
        "leave them out",
    ),
    (
        ("features_like_answers", "categories_like_answers"),
        "that say the answer itself",
        "a model would learn nothing else. Leave them out, unless they are known before the answer "
        "is",
    ),
    (
        ("features_of_rows", "categories_of_rows"),
        "that number or name the rows",
        "a new row has another number or name, and looks unknown. Leave them out, unless they "
        "measure something",
    ),
)
# A column's standard deviation divided by its largest value. Below this, the rounding of float32
# (6e-8 of a value) is more than 6e-5 of the deviation. The smaller the ratio, the more of the
# digits that differ are lost.
LEAST_SPREAD = 1e-3
TOLERATED_SPREAD = 1e-5  # float32's rounding is then more than 0.6% of the deviation


def lost_in_float32(examples: np.ndarray, least: float = LEAST_SPREAD) -> np.ndarray:
    """The numbers, from 0, of the features whose rows float32 can't tell apart well.

    Args:
        examples: `(examples, ...)` numbers; every position is a feature.
        least: the least ratio of a column's standard deviation to its largest value.
    """
    flat = examples.reshape(len(examples), -1)
    if not flat.size:
        return np.zeros(0, int)
    deviation, most = flat.std(0, dtype=np.float64), np.abs(flat).max(0)
    # A column of one value has no digits to lose, though rounding may give it a tiny deviation.
    varies = flat.min(0) != flat.max(0)
    return np.flatnonzero(varies & (deviation < least * most))


class PreparedColumns(Prepared):
    """Vectors, centred and scaled by the training split's mean and deviation.

    Args:
        examples: `(examples, ...)` numbers.
        scaling: `input_mean` and `input_scale` of the network's options; None or {} for no scaling.
        names: of the columns; without names, messages give their numbers, from 1.
        answers: whole numbers of classes `(examples,)`, or values `(examples, values)`.
        categories: of each category the numbers, from 0, of the columns that say whether it has
            some value; rare and unknown values are no fault.
        marks: the numbers, from 0, of the columns that say what was missing; mostly it is nothing.
    """

    noun = "rows"

    def __init__(
        self,
        examples: Any,
        scaling: Any = None,
        names: Sequence[str] = (),
        answers: np.ndarray | None = None,
        categories: doubtful.Places | None = None,
        marks: Sequence[int] = (),
    ):
        super().__init__(examples)
        self._scaling, self._names, self._answers = scaling or {}, names, answers
        self._categories = categories or {}
        of_categories = (place for each in self._categories.values() for place in each)
        self._no_columns = {*of_categories, *marks}

    def check_input_dtype(self, input_dtype: Any) -> None:
        lost = lost_in_float32(self._examples[:], TOLERATED_SPREAD)
        if self._examples.dtype == np.float64 and lost.size and input_dtype != "float64":
            raise UserError(
                f"{self._counted((lost + 1).tolist())} of the features differ by so little that "
                "float32 loses it, and the network takes float32; expected one that "
                "takes float64, as mlp does with pipeline.standardise=true, or features without "
                "what they have in common"
            )

    @property
    def _are_windows(self) -> bool:
        return self._examples[:1].ndim == 3

    @property
    def _columns(self) -> np.ndarray:
        """`(rows, columns)`; of windows, each step is a row and each channel a column."""
        examples = self._examples[:]
        last = examples.shape[2:] if self._are_windows else examples.shape[1:]
        return examples.reshape(-1, math.prod(last))

    @property
    def _called(self) -> str:
        return "channels" if self._are_windows else "features"

    def facts(self) -> dict[str, Any]:
        flat = self._columns
        if not flat.size:
            return {"vectors": None}
        constant = flat.min(0) == flat.max(0)
        nearly = [i for i in np.flatnonzero(~constant) if _largest_share(flat[:, i]) > _MOSTLY]
        facts = {
            "features": flat.shape[1],
            "constant_features": (np.flatnonzero(constant) + 1).tolist(),  # counted from 1
            "nearly_constant_features": [int(i) + 1 for i in nearly],
            "constant_categories": doubtful.constant_categories(flat, self._categories),
            **self._doubtful(flat),
            "float32_loses": (lost_in_float32(flat) + 1).tolist(),
            "mean": spread_of(flat.mean(0, dtype=np.float64)),
            "deviation": spread_of(flat.std(0, dtype=np.float64)),
        }
        return {"vectors": facts}

    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        facts = facts["vectors"]
        if facts is None:
            return []
        return [
            (self._called, f"{facts['features']:,}"),
            (f"constant {self._called}", self._counted(facts["constant_features"])),
            ("nearly constant ones", self._counted(facts["nearly_constant_features"])),
            ("too fine for float32", self._counted(facts["float32_loses"])),
            ("means", in_words(facts["mean"])),
            ("deviations", in_words(facts["deviation"])),
        ]

    def warnings(self, facts: dict[str, Any]) -> list[str]:
        facts, lines = facts["vectors"], []
        if facts is None:
            return []
        for key, what in (("constant", "constant"), ("nearly_constant", "nearly constant")):
            every, categories = facts[f"{key}_features"], facts.get(f"{key}_categories", ())
            which = [n for n in every if n - 1 not in self._no_columns]
            if which or categories:
                named = self._counted(which, categories)
                lines.append(
                    f"{what} {self._called}: {named} of {facts['features']:,}; they tell few rows "
                    "apart or none. Leave them out"
                )
        for keys, what, harm in _DOUBTFUL:
            numbers, names = (facts[key] for key in keys)
            if numbers or names:
                lines.append(f"{self._called} {what}: {self._counted(numbers, names)}; {harm}")
        kept = self._scaling and self._examples.dtype == np.float64
        if which := facts["float32_loses"]:
            fate = (
                "the network takes and centres them in float64, and a served model takes float64"
                if kept
                else "subtract what they have in common, or give them in float64 and leave "
                "pipeline.standardise on"
            )
            lines.append(
                f"{self._called} whose digits float32 loses: {self._counted(which)}; they differ "
                f"by less than {LEAST_SPREAD:g} of their size; {fate}"
            )
        return lines

    def vectors(self, x: np.ndarray) -> np.ndarray:
        return self._seen(x).reshape(len(x), -1).astype(np.float64)

    def _seen(self, examples: Any) -> Any:
        if not self._scaling:
            return examples
        flat = examples.reshape(len(examples), -1).astype(np.float64)
        scaled = (flat - self._scaling["input_mean"]) / self._scaling["input_scale"]
        return scaled.astype(np.float32)

    def _doubtful(self, flat: np.ndarray) -> dict[str, list[Any]]:
        """Numbers, from 1, of columns that a model should not learn from; and such categories."""
        answers = None if self._are_windows else self._answers  # a step has no answer
        numbers = {
            "repeated_features": doubtful.repeated_numbers(flat),
            "features_like_answers": doubtful.numbers_like_answers(flat, answers),
            "features_of_rows": [] if self._are_windows else doubtful.numbers_of_rows(flat),
        }
        own, values = self._no_columns, doubtful.values_of(flat, self._categories)
        return {key: [i + 1 for i in found if i not in own] for key, found in numbers.items()} | {
            "repeated_categories": doubtful.repeated_categories(values),
            "categories_like_answers": doubtful.categories_like_answers(values, self._answers),
            "categories_of_rows": doubtful.categories_of_rows(values),
        }

    def _counted(self, numbers: Any, categories: Sequence[str] = ()) -> str:
        """How many there are, and the names of the first ones."""
        number = len(numbers) + len(categories)
        if not number:
            return "0"
        names = [self._names[n - 1] if self._names else str(n) for n in numbers]
        shown = [*names, *categories][:_MOST_NAMED]
        more = ", ..." if number > _MOST_NAMED else ""
        which = "" if self._names else "number "
        return f"{number:,} ({which}{', '.join(shown)}{more})"


def spread_of(values: np.ndarray) -> dict[str, Any] | None:
    """The smallest value, the median and the largest value, as JSON can hold them."""
    if not len(values):
        return None
    middle = float(np.median(values))
    return {"min": values.min().item(), "median": middle, "max": values.max().item()}


def in_words(spread: dict[str, Any], unit: str = "") -> str:
    """A spread for people."""
    if spread["min"] == spread["max"]:
        return f"{spread['min']:,.4g}{unit}, all of them"
    return (
        f"{spread['min']:,.4g} to {spread['max']:,.4g}{unit}, half of them "
        f"{spread['median']:,.4g} or less"
    )


def _largest_share(column: Any) -> Any:
    _, counts = np.unique(column, return_counts=True)
    return counts.max() / math.fsum(counts)
