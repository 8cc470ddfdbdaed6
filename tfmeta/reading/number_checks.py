"""What is said of values in a table that are no numbers, or are missing or infinite."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.errors import UserError, which_are
from tfmeta.reading.file_rows import FileRows

_MOST_PLACES = 5  # that a message names
_OF_THOUSANDS = r"[+-]?\d{1,3}([., '\u2019]\d{3})+([.,]\d+)?"  # or a decimal mark
_MARKED = r"[+-]?\d*[.,]\d+"
_INFINITE = "infinite, or beyond what float32 holds (3.4e38)"


def check_finite(
    values: np.ndarray, names: Sequence[str], rows: FileRows, *, missing: str | None
) -> None:
    """Refuses numbers that are missing or infinite, by their places.

    Args:
        values: float32 `(rows, columns)`, or one array `(rows, ...)`.
        names: of the columns, or of the array.
        rows: of the file.
        missing: what helps where NaN is, in words; None: NaN is a good value.

    Raises:
        UserError: if there is such a number.
    """
    if missing is not None:
        _refuse(np.isnan(values), "missing", missing, names, rows)
    advice = "Expected finite numbers; mend these values or drop them"
    _refuse(np.isinf(values), _INFINITE, advice, names, rows)


def first_unfit(values: Any, rows: FileRows) -> str:
    """The first value that is no number, and where it is."""
    row = _first_unfit(values)
    if row is None:
        return "all of it is empty"
    return f"{values.tolist()[row]!r:.40} in {rows.where([row])}"


def unfit_with_hint(values: Any, rows: FileRows) -> str:
    """The same, and what is wrong with a text that looks like a number."""
    row = _first_unfit(values)
    return first_unfit(values, rows) + ("" if row is None else _hint(values.tolist()[row]))


def _first_unfit(values: Any) -> int | None:
    each = values.tolist()
    given = [row for row, value in enumerate(each) if value is not None]
    odd = [row for row in given if not is_number(each[row])]
    # True and false are numbers where a column has nothing else.
    worse = [row for row in odd if str(each[row]).lower() not in ("true", "false")]
    first = [*worse, *odd, *given]  # of all numbers it is such as a Decimal
    return first[0] if first else None


def _hint(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(_OF_THOUSANDS, text):
        return " (is its mark one of thousands? With a point and without them it is a number)"
    is_marked = re.fullmatch(_MARKED, text)
    return " (numbers of a table have one decimal mark)" if is_marked else ""


def is_number(value: Any) -> bool:
    """Whether Python reads it as a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _refuse(
    is_bad: np.ndarray, problem: str, advice: str, names: Sequence[str], rows: FileRows
) -> None:
    bad = np.argwhere(is_bad)
    if not len(bad):
        return
    is_table = len(names) == is_bad.shape[-1] and is_bad.ndim == 2
    places = [
        f"{names[where[0]] if is_table else names[0] + str(where)} in {rows.where([row])}"
        for row, *where in bad[:_MOST_PLACES].tolist()
    ]
    more = len(bad) - len(places)
    shown = ", ".join(places) + (f" and {more} more" if more else "")
    raise UserError(f"{which_are(len(bad), 'value', rows.path)} {problem}: {shown}. {advice}")
