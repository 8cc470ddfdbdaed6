"""Which column of a user's file holds texts, for `tfmeta.learn`. Imports no TensorFlow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfmeta.reading.frames import TABLES
from tfmeta.reading.tables import read_table
from tfmeta.reading.text_columns import are_texts

_TEXTS_ALONE = ".jsonl"  # tables of features are in no such files
_USUAL, _LABEL = "text", "label"
_WORDS = 3  # on average, of texts that are no names


def text_column(place: Path, reading: Mapping[str, Any]) -> str | None:
    """The column of the texts that are to be learned; None if there are none.

    It is the one that the user names, or else a column that is called "text" or stands alone beside
    the classes, if most of its values are no numbers.

    Args:
        place: the file, or a folder of texts.
        reading: the user's options `text`, `label` and `hold_out_by`, and those of tables of
            features.

    Raises:
        UserError: if the file can't be read.
    """
    if named := reading.get("text"):
        return str(named)
    if place.is_dir():
        return _USUAL
    if place.suffix.lower() == _TEXTS_ALONE:
        return _USUAL
    of_features = any(reading.get(name) for name in ("features", "exclude", "target", "categories"))
    if place.suffix.lower() not in TABLES or of_features:
        return None
    columns = read_table(place, text=()).columns
    label, groups = reading.get("label") or _LABEL, reading.get("hold_out_by")
    others = [n for n in columns if n != label and not (isinstance(groups, str) and n == groups)]
    name = _USUAL if _USUAL in others else others[0] if len(others) == 1 else None
    return name if name is not None and are_texts(columns[name].tolist()) else None


def likely_texts(place: Path) -> str | None:
    """The column of a table whose values are texts of the most words; None if they are names."""
    if place.suffix.lower() not in TABLES:
        return None
    columns = read_table(place, text=()).columns
    lengths = {name: _words_of(values.tolist()) for name, values in columns.items()}
    longest = max(lengths, key=lambda name: lengths[name])
    return longest if lengths[longest] >= _WORDS else None


def _words_of(values: list[Any]) -> float:
    """The mean number of words in the values that are texts."""
    texts = [value for value in values if isinstance(value, str)] if are_texts(values) else []
    return sum(len(text.split()) for text in texts) / max(len(texts), 1)
