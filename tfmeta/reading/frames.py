"""CSV and Parquet files, as pandas reads them; NPZ files need no pandas."""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, listed
from tfmeta.reading.csv_rows import csv_rows
from tfmeta.reading.decimal_marks import decimal_mark
from tfmeta.reading.file_rows import check_no_zero, decoded
from tfmeta.reading.separators import SEMICOLON, SUFFIXES, named_columns, separated, separator_of
from tfmeta.user_files import AnyPath, check_expansion, check_file, open_file

_PARQUET = ".parquet"
TABLES = (*SUFFIXES, _PARQUET)  # with a name for each column
_PARQUET_NUMBER = 8  # bytes
_MOST_COLUMNS = 2**16  # pandas makes an object for each
_NO_NUMBER = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")  # in place of a number


def frame_columns(path: Path, text: Collection[str]) -> dict[str, Any]:
    """The columns, `{name: (rows,)}`, as `tables.Table` has them.

    Args:
        path: of a CSV or Parquet file.
        text: names of the columns that are text even where they look like numbers.

    Raises:
        UserError: if a name is empty or repeated, or the file is far larger than a table should be.
        Whatever pandas raises: if the file is damaged.
    """
    import pandas

    check_file(path)
    is_parquet = path.suffix.lower() == _PARQUET
    if is_parquet:
        _check_parquet(path)
    try:
        frame = pandas.read_parquet(path) if is_parquet else _csv(path, text)
    except UnicodeDecodeError:
        decoded(path)  # says in which line
        raise
    return {str(n): _unpacked(frame[n], pandas.api.types, str(n) in text) for n in frame}


def _header(path: AnyPath) -> Any:
    """What separates values in a text table, and the names in its first line that isn't blank."""
    with io.TextIOWrapper(open_file(path), "utf-8-sig", newline="") as file:
        separator = separator_of(path, file)
        file.seek(0)
        try:
            return separator, next(filter(None, separated(file, separator)), [])
        except csv.Error as error:
            raise ValueError(f"its first line is no CSV ({error})") from error


def _check_columns(path: AnyPath, number: Any) -> None:
    if number > _MOST_COLUMNS:
        raise UserError(
            f"{path} has {number} columns; expected {_MOST_COLUMNS} at most. Longer vectors go "
            "into an NPZ file, as its array x"
        )


def _check_parquet(path: Path) -> None:
    """Refuses a small file of many rows: repeated values take no room in a Parquet file."""
    from pyarrow.parquet import read_metadata

    facts = read_metadata(path)
    _check_columns(path, facts.num_columns)
    size = facts.num_rows * facts.num_columns * _PARQUET_NUMBER
    check_expansion(path, size, path.stat().st_size)


def _unpacked(column: Any, types: Any, is_text: Any) -> Any:
    """A pandas column as an array of numbers, else of objects; a missing value is NaN or None."""
    is_number = types.is_numeric_dtype(column) and not types.is_complex_dtype(column)
    if is_number and not is_text:
        if isinstance(column.dtype, np.dtype):
            return column.to_numpy()
        if types.is_integer_dtype(column) and not column.isna().any():
            return column.to_numpy(np.int64 if types.is_signed_integer_dtype(column) else np.uint64)
        return column.to_numpy(np.float64, na_value=np.nan)
    if not is_text and types.infer_dtype(column, skipna=True) == "boolean":
        return column.astype(object).where(column.notna(), np.nan).to_numpy(np.float64)
    return column.astype(object).where(column.notna(), None).to_numpy()


def _check_names(path: AnyPath, header: list[str]) -> None:
    """Refuses columns without a name and names of several, for which pandas would make up names.

    A column without a name is mostly the row's number, and if the rows are sorted, a network could
    tell the classes by it.
    """
    number = Counter(header)
    if nameless := [place for place, name in enumerate(header, 1) if not name.strip()]:
        which = f"column{'s' if nameless[1:] else ''} {listed(nameless)}"
        raise UserError(
            f"cannot read {path}: its first line has no name for {which} of {len(header)}; "
            "expected one for each. If it counts the rows, leave it out: pandas writes none with "
            "to_csv(..., index=False)"
        )
    if twice := [name for name in number if number[name] > 1]:
        raise UserError(
            f"cannot read {path}: its first line names {listed(twice)} more than once; expected "
            "another name for each column"
        )


def _csv(path: AnyPath, text: Any) -> Any:
    check_no_zero(path)
    separator, header = _header(path)
    if not header:
        raise UserError(f"{path} is empty; expected a line with the columns' names, and rows")
    _check_columns(path, len(header))
    names = named_columns(header)
    _check_names(path, names or header)
    no_number = {name: list(_NO_NUMBER) for name in names if name not in text}
    options: dict[str, Any] = {"sep": separator, "na_values": no_number}
    options["dtype"] = dict.fromkeys(text, str)
    if separator == SEMICOLON:
        frame = _parsed(path, names, {**options, "dtype": str})
        others = {name: frame[name].dropna() for name in names if name not in text}
        options["decimal"] = decimal_mark(path, others)
    return _parsed(path, names, options)


def _parsed(path: AnyPath, names: list[str], options: dict[str, Any]) -> Any:
    """The columns that have names; a row of another number of values is refused with its line."""
    import pandas

    same = {"encoding": "utf-8-sig", "keep_default_na": False, "skipinitialspace": True}
    with warnings.catch_warnings():
        # Without this, the values of a row that has more of them than the header would be lost.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            frame = pandas.read_csv(path, **same, index_col=False, low_memory=False, **options)
        except (ValueError, pandas.errors.ParserWarning):
            _check_rows(path)
            raise
    is_wider = len(frame.columns) > len(names)  # by columns without a name, which must be empty
    if is_wider or frame[names[-1]].isna().any():  # as of a row with too few values
        _check_rows(path)
    return frame[names]


def _check_rows(path: AnyPath) -> None:
    """Says in which line a file is no CSV."""
    for _ in csv_rows(path):
        pass
