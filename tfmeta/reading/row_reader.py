"""Support sets and queries of numbers: rows of a CSV or Parquet file, or arrays in an NPZ file."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfmeta.errors import UserError, listed
from tfmeta.reading.column_names import columns_in_words
from tfmeta.reading.example_reader import (
    IMAGE_SUFFIXES,
    ExampleReader,
    NamedColumns,
    Names,
    Place,
    SupportSet,
    labelled,
    rows_of,
)
from tfmeta.reading.frames import TABLES
from tfmeta.reading.npz_files import read_examples
from tfmeta.reading.tables import Table, read_table, table_of
from tfmeta.terminal import plain
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.reading.row_format import RowFormat
    from tfmeta.reading.table_format import TableFormat

_LOGGER = logging.getLogger("tfmeta")
_MOST_NAMES = 20  # of columns, in a message


class RowReader(ExampleReader):
    """Reads rows of numbers.

    Args:
        input_shape: of one example.
        target_size: the number of values per answer; None if the answers are classes.
        row_format: the columns of tables; None if only arrays, which have no names, can be read.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        target_size: int | None,
        row_format: "RowFormat | TableFormat | None" = None,
    ):
        self._input_shape, self._target_size = tuple(input_shape), target_size
        self._row_format = row_format

    @property
    def support_in_words(self) -> str:
        return "FILE, rows with their answers (NPZ, CSV or Parquet)"

    @property
    def names(self) -> Names:
        columns = self._row_format
        return Names(answers=columns.answers) if columns else Names()

    def labelled(self, path: AnyPath) -> SupportSet:
        _check_kind(path)
        rows: Sequence[str] = ()
        if _is_table(path):
            x, y, rows = self._rows(path, has_answers=True)
        else:
            x, y = read_examples(path, ("y", "label" if self._target_size is None else "target"))
            x = self._shaped(x)
        if self._target_size == 1 and y.ndim == 1:
            y = y[:, np.newaxis]
        size = () if self._target_size is None else (self._target_size,)
        if x.shape != (len(x), *self._input_shape) or y.shape != (len(x), *size) or not len(x):
            raise UserError(
                f"{path} holds x of shape {x.shape} and y of shape {y.shape}; expected examples "
                f"of shape {self._input_shape} and as many answers of shape {size}"
            )
        _check_finite(path, x=x, y=y)
        places = rows_of(path, len(x), rows)
        if self._target_size is not None:
            return SupportSet(None, x, y.astype(np.float32), places)
        names, labels = labelled(y)
        return SupportSet(names, x, labels, places)

    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], np.ndarray]:
        places: list[Place] = []
        parts = []
        for path in paths:
            _check_kind(path)
            names: Sequence[str] = ()
            if _is_table(path):
                x, _, names = self._rows(path, has_answers=False)
            else:
                x = self._shaped(read_examples(path)[0])
            if x.shape != (len(x), *self._input_shape) or not len(x):
                one = ". One example is x[None]" if x.shape == self._input_shape else ""
                raise UserError(
                    f"{path} holds x of shape {x.shape}; expected examples of shape "
                    f"{self._input_shape}, the first axis being that of the examples{one}"
                )
            _check_finite(path, x=x)
            places += rows_of(path, len(x), names)
            parts.append(x)
        return places, np.concatenate(parts)

    def named(self, columns: NamedColumns) -> tuple[list[Place], np.ndarray]:
        row_format = self._row_format
        if row_format is None:
            raise UserError(
                "received columns by their names, and those of the model's inputs are not known; "
                "expected an array, or an NPZ file with the array x"
            )
        table = table_of(columns)
        _check_columns(table, row_format.columns)
        x = row_format.examples(table)
        _tell_unseen(row_format.unseen(table))
        return rows_of(None, len(x)), x

    def _shaped(self, x: np.ndarray) -> np.ndarray:
        return as_numbers(x[:, np.newaxis] if x.ndim == 1 and self._input_shape == (1,) else x)

    def _rows(self, path: AnyPath, *, has_answers: Any) -> Any:
        """`(x, y, names of the rows)` of a table; y is None if no answers are asked for."""
        columns, are_classes = self._row_format, self._target_size is None
        if columns is None:
            raise UserError(
                f"{path} is a table, and the names of the model's inputs are not known; expected "
                "an NPZ file with the array x (and y in a support set)"
            )
        answers = columns.answers if are_classes else ()
        table = read_table(Path(path), text=(*columns.texts, *answers))
        needed = (*columns.columns, *(columns.answers if has_answers else ()))
        _check_columns(table, needed)
        x = columns.examples(table)
        _tell_unseen(columns.unseen(table))
        if not has_answers:
            return x, None, table.rows
        _check_one_task(table, columns.task)
        if are_classes:
            return x, table.text(columns.answers[0], "label"), table.rows
        return x, table.numbers(columns.answers), table.rows


def _tell_unseen(unseen: Sequence[str]) -> None:
    for each in unseen:
        _LOGGER.warning("%s", plain(f"no category that the model knows: {each}"))


def as_numbers(x: np.ndarray) -> np.ndarray:
    """Numbers as a network takes them: float32 if that holds them exactly, else float64."""
    return np.asarray(x, np.float32 if np.can_cast(x.dtype, np.float32) else np.float64)


def _check_columns(table: Table, needed: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in table.columns]:
        raise UserError(
            f"{table.path} has no column {listed(missing)}; it has: "
            f"{columns_in_words(list(table.columns))}. Expected the columns that the model "
            f"was trained on: {listed(needed, _MOST_NAMES)}"
        )


def _check_kind(path: AnyPath) -> None:
    """Refuses folders and image files, which a model of images would take, and what is no file."""
    is_folder = Path(path).is_dir()
    if is_folder or Path(path).suffix.lower() in IMAGE_SUFFIXES:
        raise UserError(
            f"{path} is {'a folder' if is_folder else 'an image'}, and this model takes no images "
            "but rows of numbers; expected an NPZ, CSV or Parquet file"
        )
    if not Path(path).exists():
        raise UserError(f"there is no file {path}; expected an NPZ, CSV or Parquet file of rows")


def _is_table(path: AnyPath) -> bool:
    return Path(path).suffix.lower() in TABLES


def _check_one_task(table: Table, task: Any) -> None:
    """Refuses a support set whose rows belong to several tasks."""
    if task in table.columns and len(tasks := set(table.text(task, "task").tolist())) > 1:
        raise UserError(
            f"{table.path} has rows of {len(tasks)} tasks ({listed(sorted(tasks))}) in its column "
            f"{task}; expected the rows of one task, or no such column"
        )


def _check_finite(path: AnyPath, **arrays: Any) -> None:
    for name, values in arrays.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            first = np.argwhere(~np.isfinite(values))[0].tolist()
            raise UserError(
                f"{path} holds {name} with {values[tuple(first)]} at {first}; expected finite "
                "numbers"
            )
