"""Texts of categories in a table, and those that are numbers or dates. Imports no TensorFlow."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfmeta.errors import UserError, listed, which_are
from tfmeta.reading.column_names import leaving_out
from tfmeta.reading.file_rows import FileRows
from tfmeta.reading.number_checks import first_unfit
from tfmeta.reading.text_columns import as_unicode

_MOST_SHOWN = 5  # words, in a warning
BLANKS = " \t\n\r\f\v"  # around a text, as `tf.strings.strip` removes them
_SIGN = "[$€£¥]?"
_NUMBER = re.compile(rf"{_SIGN}\s?[+-]?[.,]?\d([\d.,_' ]*\d)?(e[+-]?\d+)?\s?%?{_SIGN}", re.I)
# A whole number, and with the ".0" that pandas writes if another one of the column is missing.
WITH_POINT = r"^(-?[0-9]+)\.0$"
_WHOLE = re.compile(r"-?[0-9]+(\.0)?")
_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")


def category_texts(values: Any, vocabulary: Sequence[str] = ()) -> np.ndarray:
    """Texts without white space around them, `(rows,)` objects; "" for a missing one.

    Args:
        values: of a column.
        vocabulary: of the category. A number that is no text becomes the one word that says the
            same number: 3.0 becomes "3". So does the text "3.0", and "3" becomes "3.0".
    """
    words: dict[float, list[str]] = {}
    for word in vocabulary:
        try:
            words.setdefault(float(word), []).append(word)
        except ValueError:
            continue
    known, texts = {*vocabulary}, np.empty(len(values), object)
    for row, value in enumerate(values.tolist()):
        if value is None or value != value:
            texts[row] = ""
            continue
        texts[row] = str(as_unicode(value)).strip(BLANKS)
        same = words.get(value, []) if isinstance(value, int | float) else []
        if texts[row] not in known and _WHOLE.fullmatch(texts[row]):
            text = without_point(texts[row])
            same = same or [each for each in (text, f"{text}.0") if each in known]
        if texts[row] not in known and len(same) == 1:
            texts[row] = same[0]
    return texts


def without_point(text: str) -> str:
    """A whole number without the ".0" that it may end in; other texts as they are."""
    return re.sub(WITH_POINT, r"\1", text)


def words_without_point(vocabulary: Sequence[str]) -> list[str] | None:
    """The words of a category without ".0", where no two are then alike; None if none is whole."""
    if not any(_WHOLE.fullmatch(word) for word in vocabulary):
        return None
    number = Counter(map(without_point, vocabulary))
    return [short if number[short := without_point(word)] == 1 else word for word in vocabulary]


def what_they_look_like(values: Any) -> str | None:
    """What most values of a column of texts look like, numbers or dates; None if they are names."""
    texts = [text for text in category_texts(values) if text]
    dates = sum(_DATE.fullmatch(text) is not None for text in texts)
    numbers = sum(_NUMBER.fullmatch(text) is not None for text in texts)
    if 2 * max(dates, numbers) <= len(texts):
        return None
    return "dates or times" if dates >= numbers else "numbers"


def refuse_numbers(
    alike: Mapping[str, str], columns: Mapping[str, Any], rows: FileRows, how_to_name: str
) -> None:
    """Refuses columns of texts most of which look like numbers or dates, all together.

    Each value would be a category of its own, and what is between two of them unknown.

    Args:
        alike: what those that are of such look like, by name; see `what_they_look_like`.
        columns: of the table.
        rows: of the table.
        how_to_name: what the user types for a table in which the first of them holds names.
    """
    names = [*alike]
    shown = [f"{name} ({alike[name]}, {first_unfit(columns[name], rows)})" for name in names]
    raise UserError(
        f"{which_are(len(names), 'column', rows.path)} of texts, most of which look like numbers "
        f"or dates, and would be categories: {listed(shown)}. Expected digits and a point alone, "
        "and nothing where a number is missing, and of a date a number, such as days since a first "
        f"one; or leave out what is none: {leaving_out(names)}. If {names[0]} holds names: "
        f"{how_to_name}"
    )


def unseen_words(values: Any, vocabulary: Sequence[str]) -> str | None:
    """Which texts of a column are in no vocabulary, in words; None if all are, or are missing."""
    texts, known = category_texts(values, vocabulary), {"", *vocabulary}
    unseen = [text for text in texts.tolist() if text not in known]
    if not unseen:
        return None
    shown = listed([repr(text) for text in dict.fromkeys(unseen)], _MOST_SHOWN)
    return f"{len(unseen):,} of {len(texts):,} ({shown})"
