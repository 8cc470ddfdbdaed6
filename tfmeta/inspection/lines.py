"""Tables as lines of text. Names are never broken, and in a pipe lines are not broken either."""

import re
from typing import Any

from rich.cells import cell_len

from tfmeta.terminal import UNLIMITED as UNLIMITED

_WORD = re.compile(r"([\t\n\v\f\r ]*)([^\t\n\v\f\r ]+)")  # other spaces count as letters
_LEAST_PROSE = 24  # columns; text in fewer can't be read
_INDENT = "     "


def wrapped(text: str, width: int, *, first: str = "", later: str = "") -> list[str]:
    """Lines of whole words; a word that is too long for a line is not broken.

    Args:
        text: one paragraph.
        width: of a line.
        first: what stands before the first line.
        later: what stands before each other line.
    """
    lines, line = [], first
    used = empty = cell_len(first)  # in a terminal's cells; a wide letter takes two
    for space, word in _WORD.findall(text):
        gap, size = " " * len(space), cell_len(word)
        if used > empty and used + len(gap) + size > width:
            lines.append(line)
            line, gap = later, ""
            used = empty = cell_len(later)
        line += gap + word
        used += len(gap) + size
    return [*lines, line] if used > empty else [first.rstrip()]


def labelled(rows: list[tuple[str, str]], width: int) -> list[str]:
    """Lines for pairs `(what, how)`, in two columns."""
    most = max((cell_len(what) for what, _ in rows), default=0)
    lines = []
    for what, how in rows:
        first = f" {_padded(what, most)}  "
        lines += wrapped(how, width, first=first, later=" " * cell_len(first))
    return lines


def grid(columns: Any, rows: Any, width: int, *, right: Any = (), prose: bool = False) -> list[str]:
    """Lines of a table whose first column has names.

    If the names leave no room for the other columns, each cell is on a line of its own.

    Args:
        columns: their headings.
        rows: tuples of texts; or a text, which is a line by itself.
        width: of a line.
        right: columns of numbers, which are aligned to the right.
        prose: whether the last column may be wrapped.
    """
    cells = [row for row in (columns, *rows) if not isinstance(row, str)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    fixed = sum(widths[:-1]) + 3 * (len(widths) - 1) + 1
    if fixed + (min(widths[-1], _LEAST_PROSE) if prose else widths[-1]) > width:
        return _stacked(columns, rows, width, prose=prose)
    widths[-1] = min(widths[-1], width - fixed)

    def lines_of(row: Any) -> list[Any]:
        if isinstance(row, str):
            return [row]
        parts = [
            _padded(cell, size, left=column in right)
            for column, cell, size in zip(columns[:-1], row, widths, strict=False)
        ]
        start = " " + "".join(f"{part}   " for part in parts)
        last = _padded(row[-1], widths[-1], left=True) if columns[-1] in right else row[-1]
        if not prose:
            return [(start + last).rstrip()]
        later = " " * cell_len(start)
        return [
            (start if number == 0 else later) + line
            for number, line in enumerate(wrapped(last, max(widths[-1], 1)))
        ]

    rule = "─" * min(fixed + widths[-1] + 1, width)
    return [*lines_of(columns), rule, *(line for row in rows for line in lines_of(row))]


def _padded(cell: Any, size: Any, *, left: bool = False) -> Any:
    space = " " * (size - cell_len(cell))
    return space + cell if left else cell + space


def _stacked(columns: Any, rows: Any, width: int, *, prose: Any) -> Any:
    """Like `grid`, with one cell per line; only prose is wrapped, because names may have spaces."""
    lines = []
    for row in rows:
        if isinstance(row, str):
            lines.append(row)
            continue
        lines.append(f" {row[0]}")
        for column, cell in zip(columns[1:], row[1:], strict=True):
            line = f"{column}: {cell}"
            if prose and column == columns[-1]:
                lines += wrapped(line, width, first=_INDENT, later=_INDENT)
            else:
                lines.append(_INDENT + line)
    return lines
