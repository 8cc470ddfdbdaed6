"""Writes data in memory as a file that readers take. Imports no TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.example_reader import Names
from tfmeta.reading.in_memory import columns_of, is_array, is_table
from tfmeta.reading.text_columns import are_texts, as_unicode, texts_in

_ARRAYS, _TABLE, _TEXTS = "data.npz", "data.parquet", "data.jsonl"
_FILES = "files are read from a folder with a folder for each class"


def written(folder: Path, x: Any, y: Any, what: str, names: Names) -> Path:
    """The file in a folder to which examples and their answers were written.

    Args:
        folder: it is empty.
        x: an array, a table or a list of texts.
        y: answers; None if there are none, or they are in the table.
        what: it is, such as "data".
        names: of columns that have none.

    Raises:
        UserError: if they can't be written, or do not fit each other.
    """
    if is_table(x):
        return _write_table(folder, x, y, names)
    if is_array(x):
        arrays: dict[str, Any] = {"x": _as_array(x, what)}
        if y is not None:  # under the name that readers expect, and the caller's
            arrays |= dict.fromkeys(("y", names.answers[0]), _answers(y, what))
        np.savez(folder / _ARRAYS, **arrays)
        return folder / _ARRAYS
    return _write_texts(folder, x, y, what, names)


def _as_array(x: Any, what: str) -> np.ndarray:
    if np.ma.isMaskedArray(x) and np.ma.getmaskarray(x).any():
        raise UserError(
            f"received {what} with masked numbers; expected numbers. Fill them in: x.filled(...)"
        )
    try:
        return np.asarray(x)
    except ValueError as error:
        shapes = listed(sorted({str(np.shape(each)) for each in x}))
        raise UserError(
            f"received {what} of examples of the shapes {shapes}; expected examples of one shape. "
            "Windows of several lengths are cut to one, or filled up with zeros; images of several "
            "sizes are read from files, in a folder for each class"
        ) from error


def _answers(y: Any, what: str) -> np.ndarray:
    """Numbers, or names of classes as text: `(examples,)`, or several values of each."""
    array = np.atleast_1d(np.asarray(y))
    if array.dtype.kind == "U" and not hasattr(y, "dtype"):
        array = np.atleast_1d(np.asarray(y, object))  # NumPy made "nan" of what is missing
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind in "biuf":
        return array
    each = [as_unicode(value) for value in array.tolist()]
    odd = [value for value in each if not isinstance(value, str | int | bool | np.generic)]
    if odd or array.ndim != 1:
        shown = f"{odd[0]!r:.80} as an answer" if odd else f"answers of shape {array.shape}"
        raise UserError(
            f"received {what} with {shown}; expected a list or an array with the name of a class "
            "or a number for each example"
        )
    return np.array([str(value) for value in each])


def _write_table(folder: Path, table: Any, y: Any, names: Names) -> Path:
    """A table, with its answers as further columns if they are given apart."""
    from tfmeta.reading.tables import table_of

    columns = dict(table_of(columns_of(table)).columns)
    if y is not None:
        columns |= _columns_of_answers(table, y, columns, names)
    if (text := _text_column(columns, names)) is not None:
        renamed = [names.text if name == text else name for name in columns]
        rows = zip(*columns.values(), strict=True)
        return _write_json(folder, [dict(zip(renamed, row, strict=True)) for row in rows])
    _check_types(columns)
    try:
        import pandas

        pandas.DataFrame(columns).to_parquet(folder / _TABLE)
    except ImportError as error:
        raise UserError(
            f"a table in memory needs pandas and pyarrow ({error}): pip install 'tfmeta[tables]'"
        ) from error
    except (TypeError, ValueError) as error:  # of pyarrow too
        raise UserError(f"a column can't be stored as a table's: {error}") from error
    return folder / _TABLE


def _text_column(columns: Mapping[str, Any], names: Names) -> str | None:
    """The column of the texts that are examples: of the name, or the one beside the answers."""
    others = [name for name in columns if name not in names.answers]
    if names.text in others:
        found: str | None = names.text
    elif len(columns) == 2 == len(others):  # the answers have another name, and repeat
        found = max(others, key=lambda name: len({*map(str, columns[name].tolist())}))
    else:
        found = others[0] if len(others) == 1 else None
    return found if found is not None and are_texts(columns[found].tolist()) else None


def _check_types(columns: Mapping[str, Any]) -> None:
    """Refuses a column of values of several types, or of lists."""
    for name, values in columns.items():
        given = [each for each in values.tolist() if not _is_missing(each)]
        first = {type(each).__name__: each for each in reversed(given)}
        if values.dtype == object and len(first) > 1:
            shown = " and ".join(f"{each!r:.40}" for each in first.values())
            raise UserError(
                f"the column {name} holds values of several types, such as {shown}; expected one. "
                "Make them texts, as by astype(str), or numbers, as by pandas.to_numeric"
            )
        if first.keys() & {"list", "tuple", "ndarray", "dict"}:
            raise UserError(
                f"the column {name} holds a {next(iter(first))} in each row; expected a number or "
                "a text. An array of several numbers per example is given itself: (x, y)"
            )


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _columns_of_answers(
    table: Any, y: Any, columns: Mapping[str, Any], names: Names
) -> dict[str, Any]:
    array = np.atleast_1d(np.asarray(y))
    rows = len(next(iter(columns.values())))
    if len(array) != rows:
        raise UserError(
            f"received {counted(rows, 'row')} and {counted(len(array), 'answer')}; expected one "
            "for each"
        )
    _check_order(table, y)
    each = [array] if array.ndim == 1 else list(array.T)
    if len(each) != len(names.answers):
        raise UserError(
            f"received answers of shape {array.shape}; expected {len(names.answers)} per example"
        )
    if taken := [name for name in names.answers if name in columns]:
        raise UserError(
            f"received answers, and a table that has a column {listed(taken)} itself; expected one "
            "of the two"
        )
    return dict(zip(names.answers, each, strict=True))


def _check_order(table: Any, y: Any) -> None:
    """Refuses a data frame and a series that have the same rows in another order."""
    indices: list[Any] = [getattr(each, "index", None) for each in (table, y)]
    if not all(hasattr(each, "equals") for each in indices):
        return
    one, other = indices
    if not one.equals(other) and {*one} == {*other}:
        raise UserError(
            "received a table and answers whose indices have the same values in another order; "
            "expected one order: y.loc[x.index]"
        )


def _write_texts(folder: Path, x: Any, y: Any, what: str, names: Names) -> Path:
    given = texts_in(x)
    texts = list(given) if hasattr(given, "__iter__") else [given]
    odd = [(n, each) for n, each in enumerate(texts, 1) if not isinstance(each, str)]
    if odd and isinstance(odd[0][1], str | int | float | None) and len(odd) < len(texts):
        raise UserError(f"received {odd[0][1]!r} as text {odd[0][0]} of {what}; expected a text")
    if not texts:
        raise UserError(f"received {what} without an example; expected one or more")
    if odd:
        each = f" of {type(texts[0]).__name__}"
        raise UserError(
            f"received {what} with examples of type {type(x).__name__}{each}; expected an array of "
            "numbers, a table, or a list of texts. Images of one size are an array by numpy.stack; "
            f"{_FILES}"
        )
    if all(map(_is_file, texts)):
        raise UserError(f"received {what} with names of files, such as {texts[0]}; {_FILES}")
    answers = [None] * len(texts) if y is None else _answers(y, what).tolist()
    if len(answers) != len(texts):
        raise UserError(
            f"received {len(texts)} texts and {len(answers)} answers; expected one for each text"
        )
    pairs = zip(texts, answers, strict=True)
    return _write_json(folder, [{names.text: text, names.answers[0]: a} for text, a in pairs])


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero
        return False


def _write_json(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    lines = [json.dumps({name: _plain(each) for name, each in row.items()}) for row in rows]
    (folder / _TEXTS).write_text("\n".join(lines), encoding="utf-8")
    return folder / _TEXTS


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if _is_missing(value) else value
