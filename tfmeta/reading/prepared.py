"""A source's examples after they have been prepared for the network, for any kind of examples."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

_CHUNK = 256  # examples at a time: they may be on disk


class Prepared(ABC):
    """The examples as the network will see them, and facts about them for `tfmeta inspect`.

    Args:
        examples: `(examples, ...)`, an array or a `RecordFile`, as in the source's index.

    Attributes:
        noun: what an example is called, in the plural.
        blank_words: what is wrong with examples for which `is_blank` is true, in words.
        cut_words: what is wrong with examples for which `is_cut` is true, in words.
        compared_as: what a baseline compares, in words.
    """

    noun = "examples"
    blank_words = "are blank"
    cut_words = "are cut"
    compared_as = "raw inputs"

    def __init__(self, examples: Any):
        self._examples = examples

    def chunks(self, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """The examples as the network sees them, in order, some at a time.

        Args:
            rows: the numbers of the examples; None for all.
        """
        rows = np.arange(len(self._examples)) if rows is None else rows
        for start in range(0, len(rows), _CHUNK):
            yield self._seen(self._examples[rows[start : start + _CHUNK]])

    def for_baselines(self, rows: np.ndarray) -> "tuple[np.ndarray, Prepared] | None":
        """The examples in another form for baselines; None if they are compared as they are.

        Args:
            rows: the numbers of the examples.

        Returns:
            `(examples, prepared)`: float32 `(rows, ...)`, and what makes vectors of them.
        """
        del rows
        return None

    def hopeless(self, rows: np.ndarray) -> str | None:
        """Why nothing can be learned from these examples; None if something can."""
        first, all_blank, all_alike = None, True, True
        for chunk in self.chunks(rows):
            first = chunk[:1] if first is None else first
            all_blank = all_blank and bool(self.is_blank(chunk).all())
            all_alike = all_alike and bool((chunk == first).all())
            if not (all_blank or all_alike):
                return None
        if first is None:
            return None
        if all_blank:
            return f"all {len(rows):,} {self.noun} {self.blank_words}"
        if len(rows) > 1:
            return f"all {len(rows):,} {self.noun} are the same once they are prepared"
        return None

    def is_blank(self, chunk: np.ndarray) -> np.ndarray:
        """`(examples,)`: which examples of a chunk have no content."""
        return np.zeros(len(chunk), bool)

    def is_cut(self) -> np.ndarray:
        """`(examples,)`: of which examples the network sees a part, as far as that is known."""
        return np.zeros(len(self._examples), bool)

    def texts(self, rows: np.ndarray) -> list[str] | None:
        """The examples with these numbers as texts; None if they are none, or aren't known."""
        del rows
        return None

    def check_input_dtype(self, input_dtype: str) -> None:
        """Raises UserError if a network of that input type would not see how examples differ.

        Args:
            input_dtype: "float32" or "float64", the type in which the network takes its examples.
        """
        del input_dtype

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Facts about this kind of examples, as JSON can hold them."""

    @abstractmethod
    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        """The facts in words: pairs of a name and what was found."""

    @abstractmethod
    def warnings(self, facts: dict[str, Any]) -> list[str]:
        """Warnings about facts that make learning unlikely."""

    @abstractmethod
    def vectors(self, x: np.ndarray) -> np.ndarray:
        """One episode's examples as float64 `(examples, features)`, for distances."""

    def _seen(self, examples: np.ndarray) -> np.ndarray:
        """Stored examples as the network sees them."""
        return examples


class ForBaselines(Prepared):
    """Examples in a form that only baselines compare, about which `tfmeta inspect` says nothing."""

    def facts(self) -> dict[str, Any]:
        return {}

    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        return []

    def warnings(self, facts: dict[str, Any]) -> list[str]:
        return []
