"""A user's support set and queries, from whatever files they are in. Imports no TensorFlow."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".gif", ".bmp", ".webp", ".tif", ".tiff")
Examples = list[bytes] | np.ndarray  # contents of image files, or numbers `(examples, ...)`


@dataclass(frozen=True)
class Place:
    """Where a query stands: a file, or a row of a file.

    Attributes:
        file: as it was given.
        row: counted from 1, without a header; None if the file is the query.
    """

    file: str
    row: int | None = None

    def __str__(self) -> str:
        return self.file if self.row is None else f"{self.file} row {self.row}"


class SupportSet(NamedTuple):
    """What a learner adapts to.

    Attributes:
        class_names: in the order of their labels; None if the answers are values.
        x: the examples.
        y: int32 labels `(examples,)`, or float32 values `(examples, values)`.
    """

    class_names: list[str] | None
    x: Examples
    y: np.ndarray


class ExampleReader(ABC):
    """Reads examples of one kind: images, or rows of numbers."""

    @abstractmethod
    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        """Reads a support set.

        Args:
            path: a folder or a file.
            num_classes: that the learner answers with at most; None for any number.

        Raises:
            UserError: if it can't be read, or does not fit the learner.
        """

    @abstractmethod
    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], Examples]:
        """Reads queries, and says where each one stands.

        Args:
            paths: files, or folders of them.

        Raises:
            UserError: if one can't be read or holds nothing, or does not fit the learner.
        """


def labelled(y: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The names of classes, sorted, and the label of each example: its class's number."""
    classes, labels = np.unique(y, return_inverse=True)
    names = [c.decode("utf-8", "replace") if isinstance(c, bytes) else str(c) for c in classes]
    return names, labels.astype(np.int32)


def check_number_of_classes(number: int, num_classes: int | None, what: str) -> None:
    """Raises UserError unless a learner can tell so many classes apart; `what` has them."""
    if number < 2 or number > (num_classes or number):
        taken = "2 or more" if num_classes is None else f"2 to {num_classes}"
        raise UserError(f"{what}; this learner takes {taken}")
