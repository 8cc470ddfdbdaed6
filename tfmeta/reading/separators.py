"""What separates the values of a text table: commas, tabs or semicolons. Imports no TensorFlow."""

import csv
import re
from collections.abc import Iterable
from typing import Any

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

SUFFIXES = (".csv", ".tsv")
SEMICOLON = ";"  # where numbers have a decimal comma, as in much of Europe
_COMMA, _TAB = ",", "\t"
_NAMES = {_COMMA: "comma", _TAB: "tab", SEMICOLON: "semicolon", "|": "vertical bar"}
_QUOTED = re.compile('"[^"]*"')


def separated(lines: Iterable[str], separator: str, *, strict: bool = False) -> Any:
    """Python's reader of CSV, as all files of users are read: spaces before values do not count."""
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=True)


def separator_of(path: AnyPath, lines: Iterable[str]) -> str:
    """What separates the names in a file's header, outside of quotes.

    It is a tab in a .tsv file and a comma in any other that has one in its header. A header without
    it may have one of the others. If it has none of them, the file has one column.

    Args:
        path: of the file.
        lines: its lines, from the first.

    Raises:
        UserError: if several may be it.
    """
    header = _QUOTED.sub("", _header(lines))
    found = [separator for separator in _NAMES if separator in header]
    usual = _TAB if str(path).lower().endswith(SUFFIXES[1]) else _COMMA
    is_doubtful = usual == _COMMA and SEMICOLON in found  # a name with a comma, mostly of a unit
    if usual in found and not is_doubtful:
        return usual
    if len(found) > 1:
        raise UserError(
            f"the names in the first line of {path} have a {' and a '.join(map(named, found))} "
            f"between them: {header.strip():.80}; expected one separator. A name that holds one "
            'needs quotes around it: "a, b"'
        )
    return found[0] if found else usual


def named_columns(header: list[str]) -> list[str]:
    """The names in a header, without empty ones at its end, as spreadsheets leave them."""
    return header[: max((n for n, name in enumerate(header, 1) if name.strip()), default=0)]


def named(separator: str) -> str:
    """Such as "comma"."""
    return _NAMES[separator]


def _header(lines: Iterable[str]) -> str:
    """The first line that isn't blank, with those that follow in quotes."""
    header, quotes = "", 0
    for line in lines:
        if not header and not line.strip("\r\n"):
            continue
        header += line
        quotes += line.count('"')
        if quotes % 2 == 0:
            break
    return header
