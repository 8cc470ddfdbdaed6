"""How the lines of a text table are divided into values. Imports no TensorFlow and no pandas."""

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

SUFFIXES = (".csv", ".tsv")
SEMICOLON = ";"  # where numbers have a decimal comma, as in much of Europe
_COMMA, _TAB = ",", "\t"
_NAMES = {_COMMA: "comma", _TAB: "tab", SEMICOLON: "semicolon", "|": "vertical bar"}
_NOTHING = "\r\n " + "".join(_NAMES)  # what a line of empty values has
_IN_QUOTES = '"(?:[^"]|"")*"'
_BEGINS = rf"(^|[{''.join(_NAMES)}]) *"  # before a value
_MOST_LINES = 64  # of a header, whose names may have several in quotes
# A first line that names the separator, as Excel writes it.
_OF_EXCEL = re.compile(rf"sep=([{''.join(_NAMES)}])\s*", re.IGNORECASE)
Lines = Callable[[], Iterable[str]]  # of a file, from the first, each time that they are wanted


class Dialect(NamedTuple):
    """How a file is written.

    Attributes:
        separator: of the values in a line.
        skipped: lines before the header.
        is_quoted: whether a value in quotes may hold separators and ends of lines.
    """

    separator: str
    skipped: int
    is_quoted: bool = True

    def rows(self, lines: Iterable[str], *, strict: bool = False) -> Any:
        """Python's reader of the lines from the header on; spaces before values do not count."""
        return csv.reader(
            itertools.islice(lines, self.skipped, None),
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE,
            skipinitialspace=True,
            strict=strict,
        )

    @property
    def name(self) -> str:
        """Of the separator, such as "comma"."""
        return _NAMES[self.separator]


def dialect_of(path: AnyPath, lines: Lines) -> Dialect:
    """How a file is written, by its header and the row after it.

    The separator is what divides the names, outside of quotes: a comma, a tab, a semicolon or a
    vertical bar; of several the one that divides the next row into as many values, and in a .tsv
    file a tab. Quotes in a file of tabs are those of texts where each line has as many tabs as the
    header and some value only begins with a quote.

    Raises:
        UserError: if several may be the separator.
    """
    begin = enumerate(lines())
    skipped, first = next((each for each in begin if each[1].strip(_NOTHING)), (0, ""))
    if given := _OF_EXCEL.fullmatch(first):
        return Dialect(given[1], skipped + 1)
    records = [*itertools.islice(_records(itertools.islice(lines(), skipped, None)), 2), "", ""]
    separator = _separator(path, *records[:2])
    if separator != _TAB or not any(map(_only_begins, lines())):
        return Dialect(separator, skipped)
    tabs = {line.count(_TAB) for line in lines() if line.strip(_NOTHING)}
    return Dialect(separator, skipped, is_quoted=len(tabs) > 1)


def named_columns(header: list[str]) -> list[str]:
    """The names in a header, without empty ones at its end, as spreadsheets leave them."""
    return header[: max((n for n, name in enumerate(header, 1) if name.strip()), default=0)]


def has_no_value(line: str) -> bool:
    """Whether a line has separators alone."""
    return not line.strip(_NOTHING) and bool(line.strip("\r\n "))


def is_row(values: list[str], names: list[str]) -> bool:
    """Whether a line is a row of a table, which a blank one or one of empty values is not."""
    return any(value.strip() for value in values) or (len(values) == 1 == len(names))


def _separator(path: AnyPath, header: str, row: str) -> str:
    found = [separator for separator in _NAMES if separator in header]
    usual = _TAB if str(path).lower().endswith(SUFFIXES[1]) else _COMMA
    if len(found) < 2 or (usual == _TAB and _TAB in found):
        return usual if usual in found or not found else found[0]
    even = [separator for separator in found if header.count(separator) == row.count(separator)]
    if len(even) != 1:
        names = " and a ".join(_NAMES[each] for each in found)
        raise UserError(
            f"the names in the first line of {path} have a {names} between them: "
            f"{header.strip():.80}; expected one separator. A name that holds one needs quotes "
            'around it: "a, b"'
        )
    return even[0]


def _records(lines: Iterable[str]) -> Iterator[str]:
    """Header and rows, without what is in quotes; a value in quotes may go on in the next line."""
    record, number = "", 0
    for line in lines:
        record, number = record + line, number + 1
        outside = re.sub(_BEGINS + _IN_QUOTES, r"\1", record)
        is_open = re.search(_BEGINS + '"', outside) and number < _MOST_LINES
        if record.strip() and not is_open:
            yield outside
        if not is_open:
            record, number = "", 0


def _only_begins(line: str) -> bool:
    """Whether a value in a line of tabs begins with a quote, and no quote ends it."""
    values = line.strip("\r\n").split(_TAB) if '"' in line else ()
    begun = [value.strip(" ") for value in values if value.lstrip(" ").startswith('"')]
    return not all(re.fullmatch(_IN_QUOTES, value) for value in begun)
