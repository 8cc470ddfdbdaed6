"""Tables as lines of text: a name is never broken, nor are lines where no terminal shows them."""

import re

from rich.cells import cell_len

_WORD = re.compile(r"([\t\n\v\f\r ]*)([^\t\n\v\f\r ]+)")  # no-break and wide spaces stay
_LEAST_PROSE = 24  # columns, in which words can still be read
_INDENT = "     "
UNLIMITED = 10**6  # the width of a pipe


def wrapped(text: str, width: int, *, first: str = "", later: str = "") -> list[str]:
    """Lines of whole words; one that is too long for a line is left whole.

    Args:
        text: of one paragraph.
        width: of a line.
        first: before the first line.
        later: before each other line.
    """
    lines, line = [], first
    used = empty = cell_len(first)  # in a terminal's cells, of which a wide letter takes two
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
    """Lines of `(what, how)`, the second in a column of its own."""
    most = max((cell_len(what) for what, _ in rows), default=0)
    lines = []
    for what, how in rows:
        first = f" {_padded(what, most)}  "
        lines += wrapped(how, width, first=first, later=" " * cell_len(first))
    return lines


def grid(columns, rows, width: int, *, right=(), prose=False) -> list[str]:
    """Lines of a table whose first column has names.

    Where they leave no room for the other columns, each is on a line of its own, with those below.

    Args:
        columns: their headings.
        rows: tuples of text, or lines of their own.
        width: of a line.
        right: columns of numbers.
        prose: the last column may be wrapped.
    """
    cells = [row for row in (columns, *rows) if not isinstance(row, str)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    fixed = sum(widths[:-1]) + 3 * (len(widths) - 1) + 1
    if fixed + (min(widths[-1], _LEAST_PROSE) if prose else widths[-1]) > width:
        return _stacked(columns, rows, width, prose=prose)
    widths[-1] = min(widths[-1], width - fixed)

    def lines_of(row):
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


def _padded(cell, size, *, left=False):
    space = " " * (size - cell_len(cell))
    return space + cell if left else cell + space


def _stacked(columns, rows, width, *, prose):
    """As `grid`, a cell a line; only prose is wrapped, since a name may have spaces."""
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
