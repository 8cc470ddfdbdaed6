"""Which column of a user's file holds the classes, for `tfmeta.learn`, if the user names none."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.reading.column_names import columns_in_words
from tfmeta.reading.number_checks import is_number
from tfmeta.reading.tables import read_table
from tfmeta.reading.text_columns import as_text
from tfmeta.reading.text_rows import columns_of_json

USUAL = "label"
_TABLES = (".csv", ".parquet")
_JSON = ".jsonl"
_TEXT = "text"


def label_column(place: Path, reading: Mapping[str, Any]) -> tuple[str, str | None]:
    """The column of the classes, and why it was chosen; None if there was nothing to choose.

    It is the one that the user names, or that is called "label". Else it is the only one beside the
    texts, or the only one whose values are names that repeat.

    Args:
        place: the file.
        reading: the user's options `label`, `target`, `text` and `features`.

    Raises:
        UserError: if the file can't be read, or more than one column or none may be it.
    """
    if reading.get("label") or reading.get("target"):
        return str(reading.get("label") or USUAL), None
    columns = _columns(place)
    if not columns or USUAL in columns:
        return USUAL, None
    text = reading.get("text") or (_TEXT if _TEXT in columns else None)
    others = [name for name in columns if name != text]
    if text and len(others) == 1:
        return others[0], f"the classes are the column {others[0]}, the only one beside the texts"
    found = [name for name in others if _repeat(columns[name])]
    named = [name for name in found if not _are_numbers(columns[name])]
    if len(named) == 1:
        why = f"the classes are the column {named[0]}, the only one with names that repeat"
        return named[0], f"{why}; --label names another"
    likely = shlex.quote([*named, *found, *others][0] if others else "NAME")
    raise UserError(
        f"{place} has no column {USUAL!r}; it has: {columns_in_words(list(columns))}. Say which "
        f"has the classes: tfmeta learn {shlex.quote(str(place))} --label {likely}. A column of "
        "values is learned with --target NAME"
    )


def _columns(place: Path) -> dict[str, list[str]]:
    """The values of each column as text; empty for a file whose columns have no names."""
    suffix = place.suffix.lower()
    if suffix == _JSON:
        return columns_of_json(place)
    if suffix not in _TABLES:
        return {}
    table = read_table(place, text=())
    return {name: [as_text(v) for v in values.tolist()] for name, values in table.columns.items()}


def _repeat(values: list[str]) -> bool:
    """Whether there are several values, each of two rows or more on average."""
    return 2 <= len({*values}) <= len(values) / 2


def _are_numbers(values: list[str]) -> bool:
    return all(is_number(value) for value in values if value)
