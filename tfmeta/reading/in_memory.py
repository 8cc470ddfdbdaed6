"""Data that a caller in Python holds in memory, as the files that readers take.

So data in memory is read, checked and refused as the same data in a file is. Imports no TensorFlow.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.example_reader import ExampleReader, Names, Place, SupportSet
from tfmeta.reading.text_columns import are_texts

_ARRAYS, _TABLE, _TEXTS = "data.npz", "data.parquet", "data.jsonl"


def is_in_memory(given: Any, *, with_answers: bool) -> bool:
    """Whether something is data, and no path or list of paths.

    Args:
        given: by the caller.
        with_answers: whether it may be a pair of examples and their answers.
    """
    if with_answers and is_pair(given):
        return True
    return is_table(given) or is_array(given)


def is_table(given: Any) -> bool:
    """Whether it is a data frame, a dictionary of columns, or a list of a dictionary per row."""
    if isinstance(given, Mapping) or _is_frame(given):
        return True
    is_list = isinstance(given, list | tuple) and len(given) > 0
    return is_list and all(isinstance(each, Mapping) for each in given)


def is_array(given: Any) -> bool:
    """Whether it is numbers: an array or tensor, or lists of them; no array of texts."""
    if isinstance(given, list | tuple):
        return len(given) > 0 and all(is_array(e) or _is_number(e) for e in given)
    return hasattr(given, "__array__") and np.asarray(given).dtype.kind in "biuf"


def is_pair(given: Any) -> bool:
    """Whether it is `(examples, answers)`, and no pair of paths."""
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    return not any(isinstance(each, str) or hasattr(each, "__fspath__") for each in given)


def columns_of(table: Any) -> Any:
    """A table in memory as a dictionary of columns or a list of rows, which `table_of` takes.

    Raises:
        UserError: if a data frame has several columns of one name.
    """
    if not _is_frame(table):
        return table
    names = [str(name) for name in table.columns]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"received several columns of the name {listed(sorted(twice))}")
    return {name: table[key].to_list() for name, key in zip(names, table.columns, strict=True)}


@contextlib.contextmanager
def as_file(given: Any, what: str, names: Names) -> Iterator[Path]:
    """A file of data in memory, which is there as long as the context; refusals speak of the data.

    Args:
        given: for which `is_in_memory`.
        what: it is: the name of the argument.
        names: of columns that have none.

    Raises:
        UserError: if it can't be written as a file.
    """
    with tempfile.TemporaryDirectory(prefix="tfmeta-") as folder:
        file = Path(folder)
        try:
            file = _written(file, given, what, names)
            yield file
        except UserError as error:
            words = str(error).replace(str(file), f"{what} (in memory)")
            raise UserError(words, exit_status=error.exit_status) from error


def read_support(reader: ExampleReader, given: Any, *, num_classes: int | None) -> SupportSet:
    """A support set, from a folder or file or from memory.

    Args:
        reader: of the model's examples.
        given: a path, or data with its answers.
        num_classes: see `ExampleReader.support`.

    Raises:
        UserError: if it can't be read, or does not fit the learner.
    """
    if not is_in_memory(given, with_answers=True):
        return reader.support(given, num_classes=num_classes)
    with as_file(given, "support", reader.names) as file:
        found = reader.support(file, num_classes=num_classes)
    return found._replace(places=places_in_memory(found.places))


def places_in_memory(places: Sequence[Place]) -> list[Place]:
    """Places of rows, in a file that is there no more."""
    return [replace(place, file=None, name=None) for place in places]


def _is_frame(given: Any) -> bool:
    return hasattr(given, "to_dict") and hasattr(given, "columns")  # of pandas, or of polars


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float | np.number | np.bool_)


def _written(folder: Path, given: Any, what: str, names: Names) -> Path:
    x, y = given if is_pair(given) else (given, None)
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
    try:
        return np.asarray(x)
    except ValueError as error:
        shapes = listed(sorted({str(np.shape(each)) for each in x}))
        raise UserError(
            f"received {what} of examples of the shapes {shapes}; expected examples of one shape"
        ) from error


def _answers(y: Any, what: str) -> np.ndarray:
    """Numbers, or names of classes as text."""
    array = np.asarray(y)
    if array.dtype.kind in "biuf":
        return array
    each = array.tolist()
    odd = [value for value in each if not isinstance(value, str | int | bool | np.generic)]
    if odd or array.ndim != 1:
        shown = f"{odd[0]!r}" if odd else f"answers of shape {array.shape}"
        raise UserError(
            f"received {what} with {shown} as an answer; expected the name of a class or a number "
            "for each example"
        )
    return np.array([str(value) for value in each])


def _write_table(folder: Path, table: Any, y: Any, names: Names) -> Path:
    """A table, with its answers as further columns if they are given apart."""
    from tfmeta.reading.tables import table_of

    columns = dict(table_of(columns_of(table)).columns)
    if y is not None:
        columns |= _columns_of_answers(y, columns, names)
    others = [name for name in columns if name not in names.answers]
    text = names.text if names.text in others else others[0] if len(others) == 1 else None
    if text is not None and are_texts(columns[text].tolist()):
        renamed = [names.text if name == text else name for name in columns]
        rows = zip(*columns.values(), strict=True)
        return _write_json(folder, [dict(zip(renamed, row, strict=True)) for row in rows])
    try:
        import pandas

        pandas.DataFrame(columns).to_parquet(folder / _TABLE)
    except ImportError as error:
        raise UserError(
            f"a table in memory needs pandas and pyarrow ({error}): pip install 'tfmeta[tables]'"
        ) from error
    except (TypeError, ValueError) as error:  # of pyarrow too
        raise UserError(f"a column holds values of several kinds: {error}") from error
    return folder / _TABLE


def _columns_of_answers(y: Any, columns: Mapping[str, Any], names: Names) -> dict[str, Any]:
    array = np.atleast_1d(np.asarray(y))
    rows = len(next(iter(columns.values())))
    if len(array) != rows:
        raise UserError(
            f"received {counted(rows, 'row')} and {counted(len(array), 'answer')}; expected one "
            "for each"
        )
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


def _write_texts(folder: Path, x: Any, y: Any, what: str, names: Names) -> Path:
    texts = list(x) if hasattr(x, "__iter__") else [x]
    if not texts or not all(isinstance(each, str) for each in texts):
        raise UserError(
            f"received {what} with examples of type {type(x).__name__}; expected an array of "
            "numbers, a table, or a list of texts"
        )
    answers = [None] * len(texts) if y is None else _answers(y, what).tolist()
    if len(answers) != len(texts):
        raise UserError(
            f"received {len(texts)} texts and {len(answers)} answers; expected one for each text"
        )
    pairs = zip(texts, answers, strict=True)
    return _write_json(folder, [{names.text: text, names.answers[0]: a} for text, a in pairs])


def _write_json(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    lines = [json.dumps({name: _plain(each) for name, each in row.items()}) for row in rows]
    (folder / _TEXTS).write_text("\n".join(lines), encoding="utf-8")
    return folder / _TEXTS


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value
