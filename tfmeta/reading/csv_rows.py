"""The rows of CSV files with the line in which each begins. Imports no TensorFlow and no pandas."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import csv_reader, decoded
from tfmeta.user_files import AnyPath

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def csv_rows(path: AnyPath) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: text})` for each row, with the line in which it begins."""
    content = decoded(path)
    usual = csv.field_size_limit(max(len(content), csv.field_size_limit()))  # of the process
    reader = csv_reader(io.StringIO(content, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for row in reader:
            if row and header is None:
                header = row
                _check_header(path, line, header)
            elif row and header is not None and (row != [""] or len(header) == 1):
                if len(row) != len(header):
                    raise UserError(
                        f"{path}, line {line}, has {counted(len(row), 'column')}; expected "
                        f"{len(header)}, as the header has. A value with a comma needs quotes "
                        'around it: "a, b"'
                    )
                yield line, dict(zip(header, row, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}, is no CSV ({error}); expected quotes to be closed, and those "
            'in a text to be doubled: "a ""b"" c"'
        ) from error
    finally:
        csv.field_size_limit(usual)


def _check_header(path: AnyPath, line: int, header: list[str]) -> None:
    check_separator(path, header)
    if len(set(header)) < len(header):
        raise UserError(
            f"{path}, line {line}, names a column twice ({listed(header)}); expected another name "
            "for each"
        )


def check_separator(path: AnyPath, header: list[str]) -> None:
    """Raises UserError if the names in a header are separated by something other than commas."""
    for separator, name in _SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise UserError(
                f"the first line of {path} has no comma but {name}: {header[0]}; expected values "
                "that are separated by commas, and numbers with a decimal point. Save the table as "
                "such a CSV file"
            )
