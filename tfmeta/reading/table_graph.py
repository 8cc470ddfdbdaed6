"""Rows with categories and missing numbers -> vectors, as operations of a graph."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfmeta.reading.category_texts import WITH_POINT, words_without_point
from tfmeta.reading.decoding.encoded_requests import at_most, each_is_good
from tfmeta.reading.text_graph import checked_encoding

if TYPE_CHECKING:
    from tfmeta.reading.table_format import TableFormat


def within_limits(
    inputs: dict[str, tf.Tensor], most_rows: int, num_columns: int
) -> dict[str, tf.Tensor]:
    """The inputs, or an error if there are more rows in all of them together.

    Args:
        inputs: of one request, by name.
        most_rows: the limit.
        num_columns: of a row, each with an input of its own.
    """
    rows = tf.add_n([tf.size(x) for x in inputs.values()]) // num_columns
    check = at_most(most_rows, rows, f"{' and '.join(inputs)}: rows", "request_rows")
    with tf.control_dependencies([check]):
        return {name: tf.identity(x) for name, x in inputs.items()}


def prepared(row: "TableFormat", columns: dict[str, tf.Tensor], name: str) -> tf.Tensor:
    """The vectors of some rows, or an InvalidArgument error that begins with an input's name.

    Args:
        row: the format.
        columns: tensors of one shape `(...)`, by the columns' names.
        name: what an error calls the input, without the column.

    Returns:
        float32 `(..., *row.shape)`.
    """
    numbers = [column for column in row.columns if column not in row.categories]
    parts = [_placed(row, each, columns[each], name + row.endings[each]) for each in row.categories]
    places = [place for each in row.categories for place in row.places[each]]
    if numbers:
        called = [name + row.endings[each] for each in numbers]
        stacked = tf.stack([columns[each] for each in numbers], -1)
        parts += _filled(stacked, called, [(row.missing or {}).get(each) for each in numbers])
        places += [row.places[each][0] for each in numbers]
        places += [row.places[each][1] for each in numbers if each in (row.missing or {})]
    return tf.gather(tf.concat(parts, -1), np.argsort(places), axis=-1)


def _placed(row: "TableFormat", column: str, x: tf.Tensor, called: str) -> tf.Tensor:
    """Texts `(...)` -> `(..., 1 + vocabulary)`."""
    texts = tf.strings.strip(checked_encoding(x, called))
    if row.missing is None:
        check = tf.debugging.Assert(
            tf.reduce_all(texts != ""), [f"{called}: expected texts, received an empty one"]
        )
        with tf.control_dependencies([check]):
            texts = tf.identity(texts)
    words = row.categories[column]
    found = texts[..., tf.newaxis] == tf.constant(words)
    if short := words_without_point(words):  # as `category_texts` reads whole numbers
        plain = tf.strings.regex_replace(texts, WITH_POINT, r"\1")[..., tf.newaxis]
        is_known = tf.reduce_any(found, -1, keepdims=True)
        found = tf.where(is_known, found, plain == tf.constant(short))
    unknown = ~tf.reduce_any(found, -1, keepdims=True)
    return tf.cast(tf.concat([unknown, found], -1), tf.float32)


def _filled(
    x: tf.Tensor, called: list[str], replacements: list[float | None]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Columns of numbers, and for those that may be missing whether they are.

    Args:
        x: `(..., columns)`.
        called: what an error calls each column.
        replacements: what stands in place of a missing number of each; None if none may be missing.

    Returns:
        `(..., columns)` and `(..., columns that may be missing)`.
    """
    may_be = np.array([each is not None for each in replacements])
    is_missing = tf.math.is_nan(x)
    is_good = tf.math.is_finite(x) | (is_missing & may_be)
    is_good = tf.reduce_all(tf.reshape(is_good, (-1, len(called))), 0)
    expected = np.where(may_be, "numbers, or NaN where one is missing", "finite numbers")
    refusals = [f"{name}: expected {what}" for name, what in zip(called, expected, strict=True)]
    with tf.control_dependencies([each_is_good(is_good, refusals)]):
        x = tf.identity(x)
    means = tf.constant([each or 0.0 for each in replacements], x.dtype)
    marks = tf.gather(tf.cast(is_missing, x.dtype), np.flatnonzero(may_be), axis=-1)
    return tf.where(is_missing, means, x), marks
