"""Data that a caller in Python holds in memory: what is such data, and where it is read from.

It is written to a file and read from there, so that data in memory is read, checked and refused as
the same data in a file is. Imports no TensorFlow.
"""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, listed
from tfmeta.reading.example_reader import ExampleReader, Names, Place, SupportSet
from tfmeta.reading.tables import names_in

# An option with its value, as a message for the command line names it.
_OPTION = re.compile(
    r"--(?:set (?P<quote>')?pipeline\.(?P<set>\w+)=|"
    r"(?P<own>label|target|features|exclude|text|missing|categories|hold-out-by) (?P<other>')?)"
    r"(?P<value>\{.*?\}|(?(quote)[^']+|(?(other)[^']+|[^\s'.;:)]+)))'?"
)
_SEVERAL = ("features", "exclude")  # options that name any number of columns


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
    """Whether it is a data frame, a dictionary of columns, or a list of rows with their names."""
    if isinstance(given, Mapping) or _is_frame(given):
        return True
    is_list = isinstance(given, list | tuple) and len(given) > 0
    return is_list and all(_named_row(each) is not None for each in given)


def is_array(given: Any) -> bool:
    """Whether it is numbers: an array or tensor, or lists of them; no array of texts."""
    if isinstance(given, list | tuple):
        return len(given) > 0 and all(is_array(e) or _is_number(e) for e in given)
    return hasattr(given, "__array__") and np.asarray(given).dtype.kind in "biuf"


def is_pair(given: Any) -> bool:
    """Whether it is `(examples, answers)`, and no pair of paths."""
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    return not any(map(is_path, given))


def is_path(given: Any) -> bool:
    """Whether it is one path: a text, or what Python takes for a path."""
    return isinstance(given, str) or hasattr(given, "__fspath__")


def columns_of(table: Any) -> Any:
    """A table in memory as a dictionary of columns or a list of rows, which `table_of` takes.

    Raises:
        UserError: if a data frame has several columns of one name.
    """
    if isinstance(table, Mapping):
        return table
    if not _is_frame(table):
        return [_named_row(row) for row in table]
    names = [str(name) for name in table.columns]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(
            f"received several columns of the name {listed(sorted(twice))}; expected a name of its "
            "own for each, as by table.columns = [...]"
        )
    return {name: table[key].to_list() for name, key in zip(names, table.columns, strict=True)}


@contextlib.contextmanager
def as_file(given: Any, what: str, names: Names, *, with_answers: bool = True) -> Iterator[Path]:
    """A file of data in memory, which is there as long as the context; refusals speak of the data.

    Args:
        given: for which `is_in_memory`.
        what: it is, such as "data".
        names: of columns that have none.
        with_answers: whether it may be a pair.

    Raises:
        UserError: if it can't be written as a file.
    """
    from tfmeta.reading.temporary_data import written

    with tempfile.TemporaryDirectory(prefix="tfmeta-") as folder:
        file = Path(folder)
        try:
            x, y = given if with_answers and is_pair(given) else (given, None)
            file = written(file, x, y, what, names)
            yield file
        except UserError as error:
            words = str(error).replace(f"tfmeta learn {file} ", "")
            words = words.replace(str(file), f"{what} (in memory)")
            in_python = _OPTION.sub(_in_python, words)
            raise UserError(in_python, exit_status=error.exit_status) from error


def _in_python(found: re.Match[str]) -> str:
    """An option of the command line as an argument."""
    name, value = found["set"] or found["own"].replace("-", "_"), found["value"].rstrip(",")
    after = found["value"][len(value) :]
    if name in _SEVERAL:
        value = str(names_in(value))
    elif value in ("true", "false"):
        value = value.title()
    elif not value.startswith("{"):
        value = repr(value)
    return f"{name}={value}{after}"


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


def _named_row(row: Any) -> Mapping[str, Any] | None:
    """A row as a dictionary, if it has names: one itself, a pandas series or a named tuple."""
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):
        found: Mapping[str, Any] = row._asdict()
        return found
    is_series = hasattr(row, "to_dict") and hasattr(row, "index") and not _is_frame(row)
    return row.to_dict() if is_series else None


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float | np.number | np.bool_)
