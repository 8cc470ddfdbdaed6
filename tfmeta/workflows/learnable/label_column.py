"""Which column of a user's file holds the classes, for `tfmeta.learn`. Imports no TensorFlow."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.reading.column_names import columns_in_words
from tfmeta.reading.frames import TABLES
from tfmeta.reading.number_checks import is_number
from tfmeta.reading.tables import names_in, read_table
from tfmeta.reading.text_columns import as_text
from tfmeta.reading.text_rows import columns_of_json
from tfmeta.workflows.learnable.words import in_own_words

USUAL = "label"
_JSON = ".jsonl"
_TEXT = "text"
_SEVERAL = dict.fromkeys(("features", "exclude"), "A,B")
_CHOOSING = {**dict.fromkeys(("label", "target", "text", "hold_out_by"), "NAME"), **_SEVERAL}


def columns_of(place: Path) -> dict[str, Any]:
    """The columns of a file by name; none for a file whose columns have no names.

    Raises:
        UserError: if the file can't be read.
    """
    suffix = place.suffix.lower()
    if suffix == _JSON:
        return {name: np.array(values, object) for name, values in columns_of_json(place).items()}
    return dict(read_table(place, text=()).columns) if suffix in TABLES else {}


def check_columns(place: Path, columns: Mapping[str, Any], reading: Mapping[str, Any]) -> None:
    """Raises UserError if the user names a column that the file does not have."""
    for option, expected in _CHOOSING.items() if columns else ():
        value = reading.get(option)
        for name in names_in(value) if expected == "A,B" and value else [value]:
            if isinstance(name, str) and name and name not in columns:
                raise in_own_words(
                    UserError(
                        f"{place} has no column {name!r}; it has: "
                        f"{columns_in_words(list(columns))}. Name yours with "
                        f"--{option.replace('_', '-')} {expected}"
                    )
                )


def label_column(
    place: Path, columns: Mapping[str, Any], reading: Mapping[str, Any]
) -> tuple[str, str | None]:
    """The column of the classes, and why it was chosen; None if there was nothing to choose.

    It is the one that the user names, or that is called "label". Else it is the only one beside the
    texts, or the only one whose values are names that repeat.

    Args:
        place: the file.
        columns: of the file, as `columns_of` reads them.
        reading: the user's options `label`, `target`, `text`, `exclude` and `hold_out_by`.

    Raises:
        UserError: if more than one column or none may be it.
    """
    if reading.get("label") or reading.get("target"):
        return str(reading.get("label") or USUAL), None
    if not columns or USUAL in columns:
        return USUAL, None
    text = reading.get("text") or (_TEXT if _TEXT in columns else None)
    excluded = names_in(reading["exclude"]) if reading.get("exclude") else []
    groups = reading.get("hold_out_by")
    excluded += [groups] if isinstance(groups, str) else []
    others = [name for name in columns if name not in {text, *excluded}]
    values = {name: [as_text(value) for value in columns[name].tolist()] for name in others}
    if text and len(others) == 1:
        why = f"the classes are the column {others[0]}, the only one beside the texts"
        return others[0], why + _if_no_name(others[0], values[others[0]])
    found = [name for name in others if _repeat(values[name])]
    named = [name for name in found if not _are_numbers(values[name])]
    if len(named) == 1:
        why = f"the classes are the column {named[0]}, the only one with names that repeat"
        why += _if_no_name(named[0], values[named[0]])
        return named[0], f"{why}; --label names another"
    likely = shlex.quote([*named, *found, *others][0] if others else "NAME")
    raise UserError(
        f"{place} has no column {USUAL!r}; it has: {columns_in_words(list(columns))}. Say which "
        f"has the classes: tfmeta learn {shlex.quote(str(place))} --label {likely}. A column of "
        "values is learned with --target NAME"
    )


def _if_no_name(name: str, values: list[str]) -> str:
    """What to say if a name is one of the values, as in a file without a line of names."""
    if name not in values:
        return ""
    return ", whose name is one of them: if line 1 holds no names, it is not learned"


def _repeat(values: list[str]) -> bool:
    """Whether there are several values, each of two rows or more on average."""
    return 2 <= len({*values}) <= len(values) / 2


def _are_numbers(values: list[str]) -> bool:
    return all(is_number(value) for value in values if value)
