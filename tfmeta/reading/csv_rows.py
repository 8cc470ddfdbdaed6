"""The rows of CSV files with the line in which each begins. Imports no TensorFlow and no pandas."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import decoded
from tfmeta.reading.separators import named, named_columns, separated, separator_of
from tfmeta.user_files import AnyPath


def csv_rows(path: AnyPath) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: text})` for each row, with the line in which it begins.

    Raises:
        UserError: if the file is no CSV, or not in UTF-8.
    """
    content = decoded(path)
    separator = separator_of(path, io.StringIO(content, newline=""))
    usual = csv.field_size_limit(max(len(content), csv.field_size_limit()))  # of the process
    reader = separated(io.StringIO(content, newline=""), separator, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for row in reader:
            if row and header is None:
                header, names = row, named_columns(row)
                _check_header(path, line, names)
            elif row and header is not None and (row != [""] or len(header) == 1):
                if len(row) != len(header) or any(row[len(names) :]):
                    raise UserError(
                        f"{path}, line {line}, has {counted(len(row), 'column')}; expected "
                        f"{len(names)}, as the header has. A value with a {named(separator)} "
                        f'needs quotes around it: "a{separator} b"'
                    )
                yield line, dict(zip(names, row, strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}, is no CSV ({error}); expected quotes to be closed, and those "
            'in a text to be doubled: "a ""b"" c"'
        ) from error
    finally:
        csv.field_size_limit(usual)


def _check_header(path: AnyPath, line: int, header: list[str]) -> None:
    if not header:
        raise UserError(f"{path}, line {line}, holds no names; expected one for each column")
    if len(set(header)) < len(header):
        raise UserError(
            f"{path}, line {line}, names a column twice ({listed(header)}); expected another name "
            "for each"
        )
