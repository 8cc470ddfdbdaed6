"""How messages point at a row of a user's file: by the line that an editor shows, or its number."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from tfmeta.errors import UserError, listed
from tfmeta.reading.separators import SUFFIXES, dialect_of
from tfmeta.user_files import AnyPath, open_file, read_file

_PIECE, _BREAK = 2**20, b"\n"  # bytes that are read at once; the end of a line
_MOST_LETTERS = 48  # of a text, in a line of a terminal


class FileRows(Sequence[str]):
    """The names of a file's rows, in the file's order.

    A row of a file with lines is called by the line in which it begins, any other by its number,
    from 1. Beside the name stands the row's text, shortened, if it is one of texts.

    Args:
        path: of the file, which is read again if the lines of a CSV are needed.
        number: of rows, without the header.
        lines: of each row, from 1; None: as those of a CSV file, or there are none.
        texts: one for each row, or none.

    Attributes:
        passed_over: names of files that hold no rows, if there are several files.
    """

    passed_over: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        number: int,
        *,
        lines: Sequence[int] | None = None,
        texts: Sequence[str] = (),
    ):
        self.path, self._number, self._given, self._texts = path, number, lines, texts

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, row):  # type: ignore[no-untyped-def]
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(self._number))]
        name = self.name(row)
        return f'{name} ("{shortened(self._texts[row])}")' if self._texts else name

    def name(self, row: int) -> str:
        """Such as "line 10", without the row's text."""
        return f"{self._noun} {self.numbers[row]}"

    def placed(self, path: str, row: int) -> tuple[str, int | None, str | None]:
        """Its file, its number from 1 and its name, if `path` is how the user names the data.

        The last two are None if the row is a whole file.
        """
        return path, row + 1, self.name(row)

    @cached_property
    def numbers(self) -> Sequence[int]:
        """The line of each row, or else its number, from 1."""
        return range(1, self._number + 1) if self._lines is None else self._lines

    def where(self, rows: Iterable[int]) -> str:
        """Such as "line 10" or "lines 2, 3 and 9 more".

        Args:
            rows: numbers of rows, from 0.
        """
        found = [self.numbers[row] for row in rows]
        return f"{self._noun}{'s' if len(found) > 1 else ''} {listed(found)}"

    @property
    def _noun(self) -> str:
        return "row" if self._lines is None else "line"

    @cached_property
    def _lines(self) -> Sequence[int] | None:
        if self._given is not None or self.path.suffix.lower() not in SUFFIXES:
            return self._given
        lines = _csv_lines(self.path)
        return lines if len(lines) == self._number else None


def shortened(text: str) -> str:
    """A text on one line, cut between two words if it is long."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= _MOST_LETTERS:
        return line
    whole, _, last = line[: _MOST_LETTERS + 1].rpartition(" ")
    return f"{whole if len(last) < _MOST_LETTERS / 2 else line[:_MOST_LETTERS]}..."


def decoded(path: AnyPath) -> str:
    """The text in a file; raises UserError if it is not in UTF-8, or holds zero bytes."""
    content = read_file(path)
    _refuse_zero(path, content, 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}, is not UTF-8 ({error.reason}); expected a file saved as UTF-8"
        ) from error


def check_no_zero(path: AnyPath) -> None:
    """Raises UserError if a file of text holds zero bytes, as one in UTF-16 does."""
    line = 1
    with open_file(path) as file:
        while content := file.read(_PIECE):
            _refuse_zero(path, content, line)
            line += content.count(b"\n")


def _refuse_zero(path: AnyPath, content: bytes, line: int) -> None:
    place = content.find(b"\0")
    if place >= 0:
        raise UserError(
            f"{path}, line {line + content.count(_BREAK, 0, place)}, holds a zero byte, as a file "
            "in UTF-16 does; expected a file saved as UTF-8"
        )


def _csv_lines(path: Path) -> list[int]:
    """The line in which each row of a CSV file begins, without the header and empty lines."""
    found = []
    try:
        content = decoded(path)
        dialect = dialect_of(path, lambda: io.StringIO(content, newline=""))
        line = dialect.skipped + 1
        reader = dialect.rows(io.StringIO(content, newline=""))
        for row in reader:
            if any(value.strip() for value in row):
                found.append(line)
            line = dialect.skipped + reader.line_num + 1
    except (csv.Error, UserError):  # a file that has been changed since it was read
        return []
    return found[1:]
