"""`tfmeta.score`: how good the answers to labelled examples are, beside what needs no model.

Imports no TensorFlow.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.evaluation.intervals import Z90, wilson_interval
from tfmeta.inspection.lines import UNLIMITED, labelled
from tfmeta.workflows.predict import Prediction, ValuePrediction
from tfmeta.workflows.right_answers import confused_row, confusions, in_numbers, never_right


@dataclass(frozen=True)
class AnyScore(ABC):
    """What the scores of classes and of values have in common.

    Attributes:
        num_examples: that count.
    """

    num_examples: int

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta predict --labelled --json` prints of it."""
        return asdict(self)

    @abstractmethod
    def rows(self) -> list[tuple[str, str]]:
        """The score in pairs of a word and a sentence."""

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The score for a terminal, in lines of that width."""
        return labelled(self.rows(), width)

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True)
class Score(AnyScore):
    """How many answers are the right class.

    Attributes:
        num_examples: of classes that the model knows; the next four are None if there are none.
        accuracy: the share of them that were answered rightly.
        ci95: its 95% interval (Wilson 1927).
        most_common: the share of the most frequent class: the accuracy of always saying that.
        confidence: the mean confidence, which is the accuracy if it is calibrated.
        confusions: `(class, answer, number)`, the most frequent first.
        never_right: `(class, number)` of classes of which no example was answered rightly.
        num_of_others: examples of classes that the model does not know.
        other_classes: these classes.
        unknown_auroc: how often an example of a class that the model does not know has a higher
            score `unknown` than one of a class that it knows; None if there are not both.
    """

    accuracy: float | None
    ci95: tuple[float, float] | None
    most_common: float | None
    confidence: float | None
    confusions: tuple[tuple[str, str, int], ...]
    never_right: tuple[tuple[str, int], ...]
    num_of_others: int
    other_classes: tuple[str, ...]
    unknown_auroc: float | None

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> "Score":
        """The score of answers whose truth is known."""
        known = [each for each in predictions if each.truth in each.probabilities]
        others = [each for each in predictions if each.truth not in each.probabilities]
        truths, answers = [str(each.truth) for each in known], [each.label for each in known]
        number = len(known)
        right = sum(one == other for one, other in zip(truths, answers, strict=True))
        return cls(
            num_examples=number,
            accuracy=right / number if number else None,
            ci95=wilson_interval(right, number) if number else None,
            most_common=max(Counter(truths).values()) / number if number else None,
            confidence=float(np.mean([each.confidence for each in known])) if number else None,
            confusions=tuple(confusions(truths, answers)),
            never_right=tuple(never_right(truths, answers)),
            num_of_others=len(others),
            other_classes=tuple(sorted({str(each.truth) for each in others})),
            unknown_auroc=_auroc([e.unknown for e in others], [e.unknown for e in known]),
        )

    def rows(self) -> list[tuple[str, str]]:
        found = []
        if self.accuracy is not None and self.ci95 and self.most_common and self.confidence:
            low, high = (100 * each for each in self.ci95)
            found += [
                (
                    "right",
                    f"{100 * self.accuracy:.1f}% of {self.num_examples:,} (95% interval: "
                    f"{low:.0f} to {high:.0f}%); always the most frequent class: "
                    f"{100 * self.most_common:.1f}%",
                ),
                ("confidence", f"{100 * self.confidence:.1f}% on average"),
            ]
        found += confused_row(self.confusions)
        if self.never_right:
            shown = listed(in_numbers(self.never_right))
            found.append(("warning", f"never answered rightly: {shown}"))
        if self.num_of_others:
            which = f"{counted(self.num_of_others, 'example')} of classes that the model lacks"
            names = listed([*map(repr, self.other_classes)])
            found.append(("unknown", f"{which} ({names}){self._told()}"))
        return found

    def _told(self) -> str:
        if self.unknown_auroc is None:
            return ""
        return f"; the score `unknown` tells them by an AUROC of {self.unknown_auroc:.3f}"


@dataclass(frozen=True)
class ValueScore(AnyScore):
    """How far answers are from the right values.

    Attributes:
        num_examples: that were asked.
        rmse: root mean squared error, over all values of all answers, in the targets' unit.
        rmse_of_mean: the same if the mean of the right values is the answer.
        coverage90: the share of values within the 90% interval of their answer; None if the model
            has no variance.
    """

    rmse: float
    rmse_of_mean: float
    coverage90: float | None

    @classmethod
    def of(cls, predictions: Sequence[ValuePrediction]) -> "ValueScore":
        """The score of answers whose truth is known."""
        truth = np.array([each.truth for each in predictions], np.float64)
        error = np.array([each.prediction for each in predictions], np.float64) - truth
        variances = [each.variance for each in predictions if each.variance is not None]
        is_in = np.abs(error) <= Z90 * np.sqrt(variances) if variances else None
        return cls(
            num_examples=len(truth),
            rmse=float(np.sqrt(np.mean(error**2))),
            rmse_of_mean=float(np.sqrt(np.mean((truth - truth.mean(0)) ** 2))),
            coverage90=None if is_in is None else float(is_in.mean()),
        )

    def rows(self) -> list[tuple[str, str]]:
        found = [("off by", f"{self.rmse:.4g} (root mean squared) in {self.num_examples:,}")]
        if self.num_examples > 1:
            found.append(("", f"{self.rmse_of_mean:.4g} if their mean is the answer"))
        if self.coverage90 is not None:
            share = f"{100 * self.coverage90:.0f}% of the values are in theirs, of 90%"
            found.append(("intervals", share))
        return found


def score(predictions: Sequence[Any]) -> Score | ValueScore:
    """How good answers to labelled examples are.

    Args:
        predictions: what `tfmeta.predict(..., labelled=True)` returned.

    Returns:
        A Score; of a model whose answers are values, a ValueScore.

    Raises:
        UserError: if they are something else, of several models, or without the truth.
    """
    every = list(predictions) if isinstance(predictions, Iterable) else [predictions]
    kinds = {type(each) for each in every}
    if kinds not in ({Prediction}, {ValuePrediction}):
        what = f"predictions={predictions!r:.100}"
    elif any(each.truth is None for each in every):
        what = "predictions without the truth"
    elif len({_answers_of(each) for each in every}) > 1:
        what = "predictions of models with other answers"
    else:
        return Score.of(every) if kinds == {Prediction} else ValueScore.of(every)
    raise UserError(
        f"received {what}; expected those of one model by tfmeta.predict(..., labelled=True)"
    )


def _answers_of(each: Any) -> Any:
    """What a model can answer: its classes, or how many values, and whether with a variance."""
    if isinstance(each, Prediction):
        return tuple(each.probabilities)
    return len(each.prediction), each.variance is None


def _auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """How often one of the first is above one of the second, half for a tie."""
    if not (higher and lower):
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(higher, lower).statistic / (len(higher) * len(lower)))
