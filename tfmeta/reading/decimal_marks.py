"""Which decimal mark the numbers of a table have: a comma in much of Europe. Imports no pandas."""

import re
from collections.abc import Mapping
from typing import Any

COMMA, POINT = ",", "."
_NUMBER = r"[+-]?(?:\d+|\d*{}\d+)(?:[eE][+-]?\d+)?"
_OF_THOUSANDS = r"[+-]?(?:0\d{{1,2}}|[1-9]\d{{0,2}}){}\d{{3}}"  # or a number with three decimals


def decimal_mark(columns: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The decimal mark of a table whose values are separated by semicolons, and what is in doubt.

    It is a comma if a column of numbers has one that is no mark of thousands, and a point else. A
    column of points is in doubt if each of them may be of thousands; it is no column of numbers.

    Args:
        columns: `{name: a pandas series of its values as text}`, of all that may be of numbers.

    Returns:
        "," or ".", and the names of the columns in doubt.
    """
    marked = {mark: _with_mark(columns, mark) for mark in (COMMA, POINT)}
    if any(not _may_be_of_thousands(each, COMMA) for each in marked[COMMA].values()):
        return COMMA, []
    points = marked[POINT]
    return POINT, [name for name in points if _may_be_of_thousands(points[name], POINT)]


def _with_mark(columns: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """The values with a mark, in each column of numbers that has such ones."""
    found = {}
    number = _NUMBER.format(re.escape(mark))
    for name, values in columns.items():
        values = values.str.strip()
        has_mark = values.str.contains(mark, regex=False)
        if has_mark.any() and values.str.fullmatch(number).all():
            found[name] = values[has_mark]
    return found


def _may_be_of_thousands(values: Any, mark: str) -> bool:
    return bool(values.str.fullmatch(_OF_THOUSANDS.format(re.escape(mark))).all())
