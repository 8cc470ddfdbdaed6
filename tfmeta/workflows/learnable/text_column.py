"""Which column of a user's file holds texts, for `tfmeta.learn`. Imports no TensorFlow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfmeta.reading.tables import read_table
from tfmeta.reading.text_columns import are_texts

_TEXTS_ALONE = ".jsonl"  # tables of features are in no such files
_TABLE = ".csv"
_USUAL, _LABEL = "text", "label"


def text_column(place: Path, reading: Mapping[str, Any]) -> str | None:
    """The column of the texts that are to be learned; None if there are none.

    It is the one that the user names, or else a column that is called "text" or stands alone beside
    the classes, if most of its values are no numbers.

    Args:
        place: the file.
        reading: the user's options `text` and `label`, and those of tables of features.

    Raises:
        UserError: if the file can't be read.
    """
    if named := reading.get("text"):
        return str(named)
    if place.suffix.lower() == _TEXTS_ALONE:
        return _USUAL
    of_features = any(reading.get(name) for name in ("features", "exclude", "target", "categories"))
    if place.suffix.lower() != _TABLE or of_features:
        return None
    columns = read_table(place, text=()).columns
    others = [name for name in columns if name != (reading.get("label") or _LABEL)]
    name = _USUAL if _USUAL in others else others[0] if len(others) == 1 else None
    return name if name is not None and are_texts(columns[name].tolist()) else None
