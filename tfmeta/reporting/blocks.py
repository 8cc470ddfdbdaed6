"""What a section of a report is made of. Blocks hold text and pictures; templates write HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Block:
    """One thing in a section.

    Attributes:
        kind: the macro of `templates/blocks.html` that shows it.
    """

    kind: ClassVar[str]


@dataclass(frozen=True)
class Words(Block):
    """A paragraph."""

    kind = "words"

    text: str


@dataclass(frozen=True)
class Table(Block):
    """A table.

    Attributes:
        columns: headings.
        rows: cells as text.
        numbers: the columns whose cells stand to the right.
        title: what stands above it; "" for nothing.
        is_folded: whether a reader opens it; paper shows it open.
    """

    kind = "table"

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numbers: Sequence[str] = ()
    title: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Chart(Block):
    """A drawing.

    Attributes:
        source: a data URI.
        words: what it shows, for those who can't see it, and below it.
        width: inches, where there is room.
    """

    kind = "chart"

    source: str
    words: str
    width: float


@dataclass(frozen=True)
class Charts(Block):
    """Drawings beside each other where there is room."""

    kind = "charts"

    charts: Sequence[Chart]


@dataclass(frozen=True)
class Lines(Block):
    """Lines of a file or commands, as they are.

    Attributes:
        lines: of text.
        title: see `Table`.
        is_folded: see `Table`.
    """

    kind = "lines"

    lines: Sequence[str]
    title: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Cell:
    """One example.

    Attributes:
        picture: a data URI; "" if examples are no pictures.
        words: the example, if it is no picture.
        notes: lines below it.
        is_wrong: whether the answer to it was wrong.
    """

    picture: str = ""
    words: str = ""
    notes: Sequence[str] = ()
    is_wrong: bool = False


@dataclass(frozen=True)
class Gallery(Block):
    """Examples, one after another.

    Attributes:
        cells: the examples.
        title: see `Table`.
    """

    kind = "gallery"

    cells: Sequence[Cell]
    title: str = ""


@dataclass(frozen=True)
class SheetRow:
    """A class of a task.

    Attributes:
        name: of the class.
        support, queries: examples.
        note: what stands below the name.
    """

    name: str
    support: Sequence[Cell]
    queries: Sequence[Cell]
    note: str = ""


@dataclass(frozen=True)
class Sheet(Block):
    """A task: one row per class, with its support examples and queries.

    Attributes:
        rows: of the classes.
        title: what stands above it.
        of_queries: what is shown of the queries.
    """

    kind = "sheet"

    rows: Sequence[SheetRow]
    title: str
    of_queries: str = "queries"
