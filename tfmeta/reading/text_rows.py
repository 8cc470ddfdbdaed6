"""Texts with labels, from CSV, JSON lines, Parquet or folders. Imports no TensorFlow."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tfmeta import strict_json
from tfmeta.errors import UserError, listed
from tfmeta.reading.csv_rows import csv_rows
from tfmeta.reading.file_rows import FileRows, decoded
from tfmeta.reading.separators import SUFFIXES
from tfmeta.reading.tables import read_table
from tfmeta.reading.text_columns import as_text, is_unicode
from tfmeta.reading.text_folders import texts_of_classes

_PARQUET = ".parquet"
ROW_SUFFIXES = (*SUFFIXES, ".jsonl", _PARQUET)
_HOW_TO_NAME = "name yours with --set pipeline.{option}=NAME"


class TextRows(NamedTuple):
    """The texts in some columns of a file.

    Attributes:
        columns: `{option: one text per row}`, without white space around it.
        names: of the rows.
    """

    columns: dict[str, list[str]]
    names: FileRows


def read_text_rows(
    path: Path, chosen: Mapping[str, str], *, how_to_name: str = _HOW_TO_NAME
) -> TextRows:
    """The texts in some columns of a file.

    Args:
        path: of a CSV or Parquet file, or of a file with one JSON object per line; or of a folder
            with a folder of texts per class, which has the columns that its layout has.
        chosen: `{option: name of its column}`.
        how_to_name: ends the message about a missing column; `{option}` stands for its option.

    Raises:
        UserError: if the file can't be read, or a value is missing.
    """
    if path.is_dir():
        return TextRows(*texts_of_classes(path))
    suffix = path.suffix.lower()
    rows = list(_READERS.get(suffix, _json_rows)(path))
    if not rows:
        raise UserError(f"{path} holds no rows; expected a {' and a '.join(chosen)} in each")
    lines = None if suffix == _PARQUET else [line for line, _ in rows]
    names = FileRows(path, len(rows), lines=lines)
    columns = {}
    for option, name in chosen.items():
        if not any(name in row for _, row in rows):
            # The rows of a table have the same columns.
            where = "it has" if suffix in _READERS else f"line {rows[0][0]} has"
            raise UserError(
                f"{path} has no column {name!r} ({where}: {listed(list(rows[0][1]))})"
                f"; {how_to_name.format(option=option)}"
            )
        values = [row.get(name) for _, row in rows]
        if odd := [n for n, value in enumerate(values) if isinstance(value, list | dict)]:
            raise UserError(f"{path} has {name} that is no text in {names.where(odd)}")
        columns[option] = [as_text(value) for value in values]
        if empty := [n for n, text in enumerate(columns[option]) if not text]:
            raise UserError(
                f"{path} has no {option} ({name}) in {names.where(empty)}; fill it in, or drop "
                "what has none"
            )
        if halves := [n for n, text in enumerate(columns[option]) if not is_unicode(text)]:
            raise UserError(
                f"{path} has half a character (a lone surrogate) as {option} ({name}) in "
                f"{names.where(halves)}; expected Unicode text"
            )
    return TextRows(columns, FileRows(path, len(rows), lines=lines, texts=columns.get("text", ())))


def names_of_columns(path: Path) -> list[str]:
    """The columns of a file; those of its first line if each line names its own."""
    _, first = next(iter(_READERS.get(path.suffix.lower(), _json_rows)(path)), (0, {}))
    return list(first)


def columns_of_json(path: Path) -> dict[str, list[str]]:
    """All columns of a file with one JSON object per line, as text; "" where one has no value."""
    rows = [row for _, row in _json_rows(path)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [as_text(row.get(name)) for row in rows] for name in names}


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: value})` for each line that isn't blank."""
    for line, text in enumerate(decoded(path).split("\n"), 1):
        if not text.strip():
            continue
        try:
            row = strict_json.loads(text)
        except ValueError as error:
            raise UserError(
                f"{path}, line {line}, is no JSON ({error}); expected one object per line: "
                '{"text": "...", "label": "..."}'
            ) from error
        if not isinstance(row, dict):
            raise UserError(
                f"{path}, line {line}, is a JSON {type(row).__name__}; expected one object per line"
            )
        yield line, row


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(number of the row, {column: value})`, from 1."""
    columns = read_table(path, text=()).columns
    values = zip(*(each.tolist() for each in columns.values()), strict=True)
    for number, row in enumerate(values, 1):
        yield number, dict(zip(columns, row, strict=True))


_READERS = {**dict.fromkeys(SUFFIXES, csv_rows), _PARQUET: _parquet_rows}
