"""Text tables as pandas reads them, with the rows that `csv_rows` has."""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from tfmeta.errors import UserError, listed
from tfmeta.reading.csv_rows import csv_rows
from tfmeta.reading.decimal_marks import decimal_mark
from tfmeta.reading.file_rows import check_no_zero
from tfmeta.reading.separators import (
    SEMICOLON,
    Dialect,
    dialect_of,
    has_no_value,
    is_row,
    named_columns,
)
from tfmeta.user_files import AnyPath, open_file

_MOST_COLUMNS = 2**16  # pandas makes an object for each
_NO_NUMBER = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")  # in place of a number


def csv_frame(path: AnyPath, text: Collection[str]) -> Any:
    """A pandas data frame of the columns that have names, without rows of empty values.

    Args:
        path: of the file.
        text: names of the columns that are text even where they look like numbers.

    Raises:
        UserError: if it is no table with a name for each column.
        Whatever pandas raises: if it is damaged otherwise.
    """
    check_no_zero(path)
    dialect = dialect_of(path, lambda: _lines(path))
    names = _names(path, dialect)
    check_number_of_columns(path, len(names))
    if dialect.is_quoted and any('"' in line for line in _lines(path)):
        _check_rows(path)  # pandas takes values that only begin with a quote
    options: dict[str, Any] = {"dtype": dict.fromkeys(text, str)}
    options["na_values"] = {name: list(_NO_NUMBER) for name in names if name not in text}
    if dialect.separator == SEMICOLON:
        whole = _parsed(path, dialect, names, {**options, "dtype": str})
        others = {name: whole[name].dropna() for name in names if name not in text}
        options["decimal"], doubtful = decimal_mark(others)
        options["dtype"] |= dict.fromkeys(doubtful, str)
    return _parsed(path, dialect, names, options)


def check_number_of_columns(path: AnyPath, number: int) -> None:
    """Raises UserError if there are more columns than a table should have."""
    if number > _MOST_COLUMNS:
        raise UserError(
            f"{path} has {number} columns; expected {_MOST_COLUMNS} at most. Longer vectors go "
            "into an NPZ file, as its array x"
        )


def _lines(path: AnyPath) -> Iterator[str]:
    with io.TextIOWrapper(open_file(path), "utf-8-sig", newline="") as file:
        yield from file


def _names(path: AnyPath, dialect: Dialect) -> list[str]:
    """The columns' names, which are all there, and differ.

    A column without a name is mostly the row's number, and if the rows are sorted, a network could
    tell the classes by it. pandas would make up names for it, and for names of several columns.
    """
    try:
        header: list[str] = next(filter(None, dialect.rows(_lines(path))), [])
    except csv.Error as error:
        raise ValueError(f"its first line is no CSV ({error})") from error
    names = named_columns(header)
    if not names:
        raise UserError(f"{path} is empty; expected a line with the columns' names, and rows")
    if nameless := [place for place, name in enumerate(names, 1) if not name.strip()]:
        which = f"column{'s' if nameless[1:] else ''} {listed(nameless)}"
        raise UserError(
            f"cannot read {path}: its first line has no name for {which} of {len(names)}; "
            "expected one for each. If it counts the rows, leave it out: pandas writes none with "
            "to_csv(..., index=False)"
        )
    number = Counter(names)
    if twice := [name for name in number if number[name] > 1]:
        raise UserError(
            f"cannot read {path}: its first line names {listed(twice)} more than once; expected "
            "another name for each column"
        )
    return names


def _parsed(path: AnyPath, dialect: Dialect, names: list[str], options: dict[str, Any]) -> Any:
    """The columns that have names; a row of another number of values is refused with its line."""
    import pandas

    same = {"encoding": "utf-8-sig", "keep_default_na": False, "skipinitialspace": True}
    same |= {"index_col": False, "low_memory": False}
    with warnings.catch_warnings():
        # Without this, the values of a row that has more of them than the header would be lost.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            frame = pandas.read_csv(**_source(path, dialect, names), **same, **options)
        except (ValueError, pandas.errors.ParserWarning):
            _check_rows(path)
            raise
    others = frame[frame.columns[len(names) :]]  # without names, which must be empty
    is_wider = not (others.isna() | (others == "")).all(axis=None)
    if is_wider or frame[names[-1]].isna().any():  # as of a row with too few values
        _check_rows(path)
    return frame[names]


def _source(path: AnyPath, dialect: Dialect, names: list[str]) -> dict[str, Any]:
    """What pandas is to read, and how: the file, or its rows if some lines have empty values."""
    if not any(has_no_value(line) for line in _lines(path)):
        quoting = csv.QUOTE_MINIMAL if dialect.is_quoted else csv.QUOTE_NONE
        return {
            "filepath_or_buffer": path,
            "sep": dialect.separator,
            "skiprows": dialect.skipped,
            "quoting": quoting,
        }
    content = io.StringIO()
    rows = (row for row in dialect.rows(_lines(path)) if is_row(row, names))
    csv.writer(content).writerows(rows)
    content.seek(0)
    return {"filepath_or_buffer": content}


def _check_rows(path: AnyPath) -> None:
    """Says in which line a file is no CSV."""
    for _ in csv_rows(path):
        pass
