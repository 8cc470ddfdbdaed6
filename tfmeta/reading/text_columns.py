"""Columns of a user's file that are read as text. Imports no TensorFlow."""

from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.reading.file_rows import FileRows


def text_per_row(
    values: np.ndarray, name: str, option: str, rows: FileRows, *, instead: str = "what has none"
) -> np.ndarray:
    """A column as text, `(rows,)`, without white space around it.

    Args:
        values: of the column.
        name: of the column.
        option: the option of the pipeline that chose it.
        rows: of its file.
        instead: what may be dropped if a row has no text.

    Raises:
        UserError: if there is not one text for each row.
    """
    if values.ndim != 1:
        raise UserError(
            f"{name} of {rows.path} has shape {values.shape}; expected one {option} per row"
        )
    texts = [as_text(value) for value in values.tolist()]
    if without := [row for row, text in enumerate(texts) if not text]:
        raise UserError(
            f"{rows.path} has no {option} ({name}) in {rows.where(without)}; fill it in, or "
            f"drop {instead}"
        )
    return np.array(texts)


def as_text(value: Any) -> str:
    """A value such as a label as text, without white space around it; "" if it is missing."""
    if value is None or value != value:  # NaN is no label
        return ""
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
