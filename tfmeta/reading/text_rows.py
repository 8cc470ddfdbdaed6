"""Files of texts with labels: CSV files, and JSON lines. Imports no TensorFlow."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.frames import check_separator
from tfmeta.reading.tables import as_text
from tfmeta.user_files import read_file

ROW_SUFFIXES = (".csv", ".jsonl")
_HOW_TO_NAME = "name yours with --set pipeline.{option}=NAME"


def read_text_rows(
    path: Path, chosen: Mapping[str, str], *, how_to_name: str = _HOW_TO_NAME
) -> dict[str, list[str]]:
    """The texts in some columns of a file.

    Args:
        path: of a CSV file, or of a file with one JSON object per line.
        chosen: `{option: name of its column}`.
        how_to_name: ends the message about a missing column; `{option}` stands for its option.

    Returns:
        `{option: one text per row}`, without white space around it.

    Raises:
        UserError: if the file can't be read, or a value is missing.
    """
    content = decoded(path)
    is_csv = path.suffix.lower() == ".csv"
    rows = list(_csv_rows(path, content) if is_csv else _json_rows(path, content))
    if not rows:
        raise UserError(f"{path} holds no rows; expected a {' and a '.join(chosen)} in each")
    columns = {}
    for option, name in chosen.items():
        if not any(name in row for _, row in rows):
            raise UserError(
                f"{path} has no column {name!r} (line {rows[0][0]} has: {listed(list(rows[0][1]))})"
                f"; {how_to_name.format(option=option)}"
            )
        odd = [line for line, row in rows if isinstance(row.get(name), list | dict)]
        if odd:
            raise UserError(f"{path} has {name} that is no text in lines {listed(odd)}")
        columns[option] = [as_text(row.get(name)) for _, row in rows]
        pairs = list(zip(rows, columns[option], strict=True))
        if empty := [line for (line, _), value in pairs if not value]:
            raise UserError(
                f"{path} has no {option} ({name}) in {counted(len(empty), 'row')}: lines "
                f"{listed(empty)}; "
                "fill them in or drop those rows"
            )
        if halves := [line for (line, _), value in pairs if not is_unicode(value)]:
            raise UserError(
                f"{path} has half a character (a lone surrogate) as {option} ({name}) in lines "
                f"{listed(halves)}; expected Unicode text"
            )
    return columns


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold a text; it can't hold half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def decoded(path: Path) -> str:
    """The text in a file; raises UserError if it is not in UTF-8."""
    content = read_file(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}, is not UTF-8 ({error.reason}); expected a file saved as UTF-8"
        ) from error


def _csv_rows(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: text})` for each row, with the line in which it begins."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for row in reader:
            if row and header is None:
                header = row
                check_separator(path, header)
                if len(set(header)) < len(header):
                    raise UserError(
                        f"{path}, line {line}, names a column twice ({listed(header)}); expected "
                        "another name for each"
                    )
            elif row and header is not None:
                if len(row) != len(header):
                    raise UserError(
                        f"{path}, line {line}, has {counted(len(row), 'column')}; expected "
                        f"{len(header)}, as "
                        'the header has. A comma in a text needs quotes around it: "a, b"'
                    )
                yield line, dict(zip(header, row, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}, is no CSV ({error}); expected quotes to be closed, and those "
            'in a text to be doubled: "a ""b"" c"'
        ) from error


def _json_rows(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields `(line, {column: value})` for each line that isn't blank."""
    for line, text in enumerate(content.split("\n"), 1):
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
