"""Which decimal mark the numbers of a table have: a comma in much of Europe. Imports no pandas."""

import re
from collections.abc import Iterable, Mapping

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

_COMMA, _POINT = ",", "."
_NUMBER = r"[+-]?\d*{}\d+([eE][+-]?\d+)?"
_OF_THOUSANDS = r"[+-]?[1-9]\d{{0,2}}{}\d{{3}}"  # or a number with three decimals


def decimal_mark(path: AnyPath, columns: Mapping[str, Iterable[str]]) -> str:
    """The decimal mark of a table whose values are separated by semicolons.

    Args:
        path: of the table, for messages.
        columns: `{name: its values as text}`, of all columns that may be of numbers.

    Raises:
        UserError: if some numbers have a comma and others a point, or each of them may be one of
            thousands.
    """
    found = {mark: _numbers(columns, mark) for mark in (_COMMA, _POINT)}
    found = {mark: numbers for mark, numbers in found.items() if numbers}
    first = {mark: "{1} in the column {0}".format(*found[mark][0]) for mark in found}
    if len(found) > 1:
        raise UserError(
            f"{path} has numbers with a comma ({first[_COMMA]}) and numbers with a point "
            f"({first[_POINT]}); expected one decimal mark, and none for thousands"
        )
    for mark, numbers in found.items():
        of_thousands = re.compile(_OF_THOUSANDS.format(re.escape(mark)))
        if all(of_thousands.fullmatch(number) for _, number in numbers):
            raise UserError(
                f"the numbers of {path}, such as {first[mark]}, may have decimals or a mark for "
                "thousands; expected none for thousands. Write decimals with a point, and commas "
                "between the values"
            )
    return next(iter(found), _POINT)


def _numbers(columns: Mapping[str, Iterable[str]], mark: str) -> list[tuple[str, str]]:
    """Each number that has the mark, with its column."""
    number = re.compile(_NUMBER.format(re.escape(mark)))
    return [
        (name, value)
        for name, values in columns.items()
        for value in values
        if mark in value and number.fullmatch(value.strip())
    ]
