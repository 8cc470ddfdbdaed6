"""What a source's examples are once they are prepared for the network, whatever their kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

_CHUNK = 256  # examples at a time: they may be on disk


class Prepared(ABC):
    """The examples as the network will see them; what `tfmeta inspect` says comes from here.

    Args:
        examples: `(examples, ...)` of the source's index, an array or a `RecordFile`.

    Attributes:
        noun: what an example is called, in the plural.
        blank_words: what is wrong with examples of which `is_blank` is true.
    """

    noun = "examples"
    blank_words = "are blank"

    def __init__(self, examples):
        self._examples = examples

    def chunks(self, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """The examples as the network sees them, in order, some at a time.

        Args:
            rows: numbers of those that are wanted; None: all.
        """
        rows = np.arange(len(self._examples)) if rows is None else rows
        for start in range(0, len(rows), _CHUNK):
            yield self._seen(self._examples[rows[start : start + _CHUNK]])

    def hopeless(self, rows: np.ndarray) -> str | None:
        """Why nothing can be told from these examples, if it can't be; quick where it can."""
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
        """`(examples,)` of a chunk: which say nothing by themselves."""
        return np.zeros(len(chunk), bool)

    def check_input_dtype(self, input_dtype: str) -> None:
        """Raises UserError if a network of that input type would not see how examples differ.

        Args:
            input_dtype: "float32" or "float64", what the network takes its examples as.
        """
        del input_dtype

    @abstractmethod
    def facts(self) -> dict:
        """What is known of this kind of examples, as JSON can hold it."""

    @abstractmethod
    def lines(self, facts: dict) -> list[tuple[str, str]]:
        """The facts in words: what, and how it is."""

    @abstractmethod
    def warnings(self, facts: dict) -> list[str]:
        """What of the facts makes learning unlikely."""

    @abstractmethod
    def vectors(self, x: np.ndarray) -> np.ndarray:
        """`(examples, features)` in float64 of one episode's examples, for distances."""

    def _seen(self, examples: np.ndarray) -> np.ndarray:
        """Stored examples as the network sees them."""
        return examples
