"""CSV and Parquet files, as pandas reads them; NPZ files need no pandas."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.reading.csv_frames import check_number_of_columns, csv_frame
from tfmeta.reading.file_rows import decoded
from tfmeta.reading.separators import SUFFIXES
from tfmeta.user_files import check_expansion, check_file

_PARQUET = ".parquet"
TABLES = (*SUFFIXES, _PARQUET)  # with a name for each column
_PARQUET_NUMBER = 8  # bytes


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
        frame = pandas.read_parquet(path) if is_parquet else csv_frame(path, text)
    except UnicodeDecodeError:
        decoded(path)  # says in which line
        raise
    return {str(n): _unpacked(frame[n], pandas.api.types, str(n) in text) for n in frame}


def _check_parquet(path: Path) -> None:
    """Refuses a small file of many rows: repeated values take no room in a Parquet file."""
    from pyarrow.parquet import read_metadata

    facts = read_metadata(path)
    check_number_of_columns(path, facts.num_columns)
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
