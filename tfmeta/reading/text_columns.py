"""Columns of a user's file that are read as text. Imports no TensorFlow."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import FileRows
from tfmeta.reading.number_checks import is_number

_SEVERAL = (list, tuple, dict, set, np.ndarray)


def text_per_row(
    values: np.ndarray, name: str, option: str, rows: FileRows, *, instead: str = "what has none"
) -> np.ndarray:
    """A column as text, `(rows,)`, without white space around it.

    Args:
        values: of the column.
        name: of the column.
        option: the option of the pipeline that chose it.
        rows: of its file.
        instead: what may be dropped if a row has no text.

    Raises:
        UserError: if there is not one text for each row.
    """
    if values.ndim != 1:
        raise UserError(
            f"{name} of {rows.path} has shape {values.shape}; expected one {option} per row"
        )
    each = values.tolist()
    if odd := [row for row, value in enumerate(each) if isinstance(value, _SEVERAL)]:
        raise UserError(
            f"{rows.path} has several values as {option} ({name}) in {rows.where(odd)}; expected "
            "one text or number in each row"
        )
    texts = [as_text(value) for value in each]
    if without := [row for row, text in enumerate(texts) if not text]:
        raise UserError(
            f"{rows.path} has no {option} ({name}) in {rows.where(without)}; fill it in, or "
            f"drop {instead}"
        )
    check_unicode(texts, name, rows)
    return np.array(texts)


def check_unicode(texts: Sequence[str], name: str, rows: FileRows) -> None:
    """Raises UserError if one of the texts can't be in UTF-8."""
    if halves := [row for row, text in enumerate(texts) if not is_unicode(text)]:
        raise UserError(
            f"{rows.path} has {name} that is no Unicode text in {rows.where(halves)}; expected "
            "texts in UTF-8"
        )


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold a text; it can't hold half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_tokens(texts: Sequence[str], names: Sequence[object]) -> None:
    """Refuses texts that have no token, which a model refuses, or a zero byte, which parts texts.

    Args:
        texts: the texts.
        names: what each is called.

    Raises:
        UserError: if one has no letter, number or symbol, or a zero byte; it names them.
    """
    if zero := [n for n, text in enumerate(texts) if "\0" in text]:
        raise UserError(
            f"received {counted(len(zero), 'text')} with a zero byte: "
            f"{listed([repr(str(names[n])) for n in zero])}; expected texts without one"
        )
    empty = [n for n, text in enumerate(texts) if not has_token(text)]
    if empty:
        raise UserError(
            f"received {counted(len(empty), 'text')} without a word, a number or a symbol: "
            f"{listed([repr(str(names[n])) for n in empty])}; expected texts that have some, so "
            "leave out those that have none"
        )


def has_token(text: str) -> bool:
    """Whether a text has a letter, a number or a symbol."""
    return any(map(_is_in_token, text))


def _is_in_token(letter: str) -> bool:
    # As in tokenizers.py. TensorFlow knows letters that this Python may not know yet (Cn).
    category = unicodedata.category(letter)
    return category[0] in "LMN" or category in ("So", "Cn")


def are_texts(values: Sequence[Any]) -> bool:
    """Whether most of these are strings that are no numbers; a missing one is None."""
    given = [value for value in values if value is not None]
    texts = [value for value in given if isinstance(value, str) and not is_number(value)]
    return len(texts) > len(given) / 2


def as_text(value: Any) -> str:
    """A value such as a label as text, without white space around it; "" if it is missing."""
    if value is None or (isinstance(value, float) and value != value):  # NaN is no label
        return ""
    return str(as_unicode(value)).strip()


def as_unicode(value: Any) -> Any:
    """Bytes as text, in which what is no UTF-8 becomes halves of characters; others as they are."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def texts_in(given: Any) -> Any:
    """The texts in an array or a tensor of one axis, as a list; anything else as it is."""
    if getattr(given, "ndim", 0) != 1 or not hasattr(given, "__array__"):
        return given
    each = [as_unicode(value) for value in np.asarray(given).tolist()]
    return each if each and all(isinstance(value, str) for value in each) else given
