"""A user's support set and queries, from whatever files they are in. Imports no TensorFlow."""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tfmeta.errors import UserError, counted
from tfmeta.reading.file_rows import shortened
from tfmeta.user_files import AnyPath

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
    *(".heic", ".heif", ".avif", ".jp2", ".jxl"),  # refused by name, and not passed over
)
Examples = list[bytes] | np.ndarray  # encoded examples, or numbers `(examples, ...)`
# By the columns' names, or one for each row.
NamedColumns = Mapping[str, Any] | Sequence[Mapping[str, Any]]
InMemory = Any  # arrays or a table, see `tfmeta.reading.in_memory`


@dataclass(frozen=True)
class Place:
    """Where a query comes from: a file, a row of a file, or a text as the user wrote it.

    Attributes:
        file: its name, as the user gave it; None if a text itself was given.
        row: its number, from 1, without the header; None if the whole file is the query.
        text: the query, if it is a text.
        name: of the row, as an editor shows it ("line 3"), if that is not its number.
        noun: what the file holds, if the whole file is the query.
    """

    file: str | None
    row: int | None = None
    text: str | None = None
    name: str | None = None
    noun: str = "image"

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            name = self.name or f"row {self.row}"
            where = name if self.file is None else f"{self.file} {name}"
        text = None if self.text is None else shortened(self.text)
        return ": ".join(part for part in (where, text) if part is not None)

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta predict --json` prints of it."""
        if self.row is None and self.text is None:
            return {self.noun: self.file}
        fields = {"text": self.text, "file": self.file, "row": self.row}
        return {name: value for name, value in fields.items() if value is not None}


class Names(NamedTuple):
    """Names of the columns of a model's examples.

    Attributes:
        text: of the texts, where a text is an example.
        answers: of the classes or values.
    """

    text: str = "text"
    answers: Sequence[str] = ("label",)


class SupportSet(NamedTuple):
    """What a learner adapts to.

    Attributes:
        class_names: in the order of their labels; None if the answers are values.
        x: the examples.
        y: int32 labels `(examples,)`, or float32 values `(examples, values)`.
        places: where each example comes from.
    """

    class_names: list[str] | None
    x: Examples
    y: np.ndarray
    places: Sequence[Place]


class ExampleReader(ABC):
    """Reads examples of one kind: images, or rows of numbers."""

    @property
    @abstractmethod
    def support_in_words(self) -> str:
        """What a support set is, after "expected --support"."""

    @property
    def names(self) -> Names:
        """Of the columns that are no features, for examples that come without names."""
        return Names()

    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        """Reads a support set.

        Args:
            path: a folder or a file.
            num_classes: the most classes that the learner can answer with; None for any number.

        Raises:
            UserError: if it can't be read, or does not fit the learner.
        """
        found = self.labelled(path)
        if found.class_names is not None:
            number = len(found.class_names)
            check_number_of_classes(number, num_classes, f"{path} has {counted(number, 'class')}")
        return found

    @abstractmethod
    def labelled(self, path: AnyPath) -> SupportSet:
        """Reads examples with their answers, of one class or more.

        Args:
            path: a folder or a file such as a support set's.

        Raises:
            UserError: if it can't be read.
        """

    @abstractmethod
    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], Examples]:
        """Reads queries, and says where each one comes from.

        Args:
            paths: files, or folders of them.

        Raises:
            UserError: if a file can't be read, holds nothing, or does not fit the learner.
        """

    def array_of_texts(self, texts: Sequence[str]) -> tuple[list[Place], Examples]:
        """Queries that came as an array of texts, which are paths unless examples are texts."""
        return self.queries(texts)

    def skipping_unreadable(self) -> "ExampleReader":
        """The same reader, which leaves out files that can't be read, and says which.

        Of texts it leaves out those without a token.

        Raises:
            UserError: if its examples are rows.
        """
        raise UserError(
            "received skip_unreadable=True, and this model's examples are no files but rows of "
            "them; leave it out"
        )

    def named(self, columns: NamedColumns) -> tuple[list[Place], Examples]:
        """Reads queries whose features are given by the names of a table's columns.

        Args:
            columns: the values of each column, or a dictionary per row.

        Raises:
            UserError: if they do not fit the learner, or its examples have no columns.
        """
        del columns
        raise UserError(
            "received columns by their names, and this model takes no table; expected files"
        )


def rows_of(path: AnyPath | None, number: int, names: Sequence[str] = ()) -> list[Place]:
    """The places of the first so many rows of a file.

    Args:
        path: the file; None if the rows were given themselves.
        number: of rows.
        names: of the rows, as an editor shows them; empty for their numbers.
    """
    file = None if path is None else str(path)
    return [Place(file, n + 1, name=names[n] if names else None) for n in range(number)]


def labelled(y: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The sorted names of the classes, and each example's label, the number of its class.

    Names whose letters and marks mean the same are one, in Unicode's form NFC.
    """
    given, number = np.unique(y, return_inverse=True)
    names = [c.decode("utf-8", "replace") if isinstance(c, bytes) else str(c) for c in given]
    composed = [unicodedata.normalize("NFC", name) for name in names]
    if composed != names:
        classes, merged = np.unique(composed, return_inverse=True)
        names, number = classes.tolist(), merged[number]
    return names, number.astype(np.int32)


def check_number_of_classes(number: int, num_classes: int | None, what: str) -> None:
    """Raises UserError unless a learner can tell this number of classes apart.

    `what` begins the message, such as "the folder has 7 classes".
    """
    if number < 2 or number > (num_classes or number):
        taken = "2 or more" if num_classes is None else f"2 to {num_classes}"
        raise UserError(f"{what}; this learner takes {taken}")
