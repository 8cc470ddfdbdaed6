"""The rows of CSV files with the line in which each begins. Imports no TensorFlow and no pandas."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import decoded
from tfmeta.reading.separators import Dialect, dialect_of, is_row, named_columns
from tfmeta.user_files import AnyPath


def csv_rows(path: AnyPath) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: text})` for each row, with the line in which it begins.

    Raises:
        UserError: if the file is no CSV, or not in UTF-8.
    """
    content = decoded(path)
    usual = csv.field_size_limit(max(len(content), csv.field_size_limit()))  # of the process
    try:
        yield from _rows(path, content)
    finally:
        csv.field_size_limit(usual)


def _rows(path: AnyPath, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    dialect = dialect_of(path, lambda: io.StringIO(content, newline=""))
    reader = dialect.rows(io.StringIO(content, newline=""), strict=True)
    header: list[str] | None = None
    line = dialect.skipped + 1
    try:
        for row in reader:
            if row and header is None:
                header, names = row, named_columns(row)
                _check_names(path, line, names)
            elif header is not None and is_row(row, names):
                if len(row) not in (len(names), len(header)) or any(row[len(names) :]):
                    raise UserError(_of_another_length(path, line, row, len(names), dialect))
                yield line, dict(zip(names, row, strict=False))
            line = dialect.skipped + reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}, is no CSV ({error}); expected quotes to be closed, and those "
            'in a text to be doubled: "a ""b"" c"'
        ) from error


def _of_another_length(
    path: AnyPath, line: int, row: list[str], expected: int, dialect: Dialect
) -> str:
    how = ""
    if len(row) > expected:
        how = f". A value with a {dialect.name} needs quotes around it"
        how += f': "a{dialect.separator} b"' if dialect.separator.isprintable() else ""
    return (
        f"{path}, line {line}, has {counted(len(row), 'column')}; expected {expected}, as the "
        f"header has{how}"
    )


def _check_names(path: AnyPath, line: int, names: list[str]) -> None:
    if not names:
        raise UserError(f"{path}, line {line}, holds no names; expected one for each column")
    if len(set(names)) < len(names):
        raise UserError(
            f"{path}, line {line}, names a column twice ({listed(names)}); expected another name "
            "for each"
        )
