"""What of an answer is explained: a class or a value, and the number that stands for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from tfmeta.errors import UserError


@dataclass(frozen=True)
class Question:
    """Why a class, or why this value?

    Attributes:
        column: of the outputs, from 0.
        name: of the class; of a value "the value", or "value 2" if a target has several.
        rival: the column of the likeliest other class; None for values.
        class_names: in the order of the columns; None for values.
    """

    column: int
    name: str
    rival: int | None = None
    class_names: tuple[str, ...] | None = None

    @property
    def rival_name(self) -> str | None:
        """The name of the likeliest other class."""
        return self.class_names[self.rival] if self.class_names and self.rival is not None else None

    @property
    def unit(self) -> str:
        """What `scores` are."""
        return self.name if self.class_names is None else f"the log-odds of {self.name}"

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """The number that is explained.

        Args:
            outputs: logits or values `(..., outputs)`.

        Returns:
            `(...)` float64: the logarithm of p / (1 - p) of the class among all classes of the
            support set, or the value in its own unit.
        """
        outputs = np.asarray(outputs, np.float64)
        if self.class_names is None:
            return outputs[..., self.column]
        logits = outputs[..., : len(self.class_names)]
        others = np.delete(logits, self.column, -1)
        return logits[..., self.column] - logsumexp(others, axis=-1)

    def lead(self, parts: np.ndarray) -> np.ndarray:
        """Parts of outputs `(..., outputs)` -> parts of what the class is ahead of its rival.

        The log-odds are no sum over the support set. With two classes they are this lead. Of values
        it is the value itself.
        """
        parts = np.asarray(parts, np.float64)
        if self.rival is None:
            return parts[..., self.column]
        return parts[..., self.column] - parts[..., self.rival]


def question_of(
    outputs: np.ndarray, class_names: Sequence[str] | None, of: str | int | None
) -> Question:
    """What is asked about one answer.

    Args:
        outputs: logits or values `(outputs,)` of one query.
        class_names: of the support set; None if the answers are values.
        of: the name of a class, or the number of a value, from 1; None for the likeliest class, or
            for the first value.

    Raises:
        UserError: if there is no such class or value.
    """
    if class_names is None:
        number, most = 1 if of is None else of, len(outputs)
        if isinstance(number, str) and number.isdecimal():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            taken = "1" if most == 1 else f"1 to {most}"
            raise UserError(
                f"received of={of!r} (--of); the answers are values, so expected the number of "
                f"one: {taken}"
            )
        return Question(number - 1, "the value" if most == 1 else f"value {number}")
    names, logits = tuple(class_names), outputs[: len(class_names)]
    if of is not None and of not in names:
        raise UserError(
            f"received of={of!r} (--of); expected a class of the support set: {', '.join(names)}"
        )
    column = int(np.argmax(logits)) if of is None else names.index(str(of))
    others = np.where(np.arange(len(names)) == column, -np.inf, logits)
    return Question(column, names[column], int(np.argmax(others)), names)
