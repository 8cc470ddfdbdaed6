"""Rows with categories and missing numbers -> vectors, as operations of a graph."""

from typing import TYPE_CHECKING

import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import at_most
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
    parts = []
    for column, ending in row.endings.items():
        place = _placed if column in row.categories else _filled
        parts.append(place(row, column, columns[column], name + ending))
    return tf.concat(parts, -1)


def _placed(row: "TableFormat", column: str, x: tf.Tensor, called: str) -> tf.Tensor:
    """Texts `(...)` -> `(..., 1 + vocabulary)`."""
    texts = tf.strings.strip(checked_encoding(x, called))
    if row.missing is None:
        check = tf.debugging.Assert(
            tf.reduce_all(texts != ""), [f"{called}: expected texts, received an empty one"]
        )
        with tf.control_dependencies([check]):
            texts = tf.identity(texts)
    found = texts[..., tf.newaxis] == tf.constant(row.categories[column])
    unknown = ~tf.reduce_any(found, -1, keepdims=True)
    return tf.cast(tf.concat([unknown, found], -1), tf.float32)


def _filled(row: "TableFormat", column: str, x: tf.Tensor, called: str) -> tf.Tensor:
    """Numbers `(...)` -> `(..., 1)`, or with whether they are missing `(..., 2)`."""
    is_filled = column in (row.missing or {})
    is_missing = tf.math.is_nan(x)
    is_good = tf.math.is_finite(x) | is_missing if is_filled else tf.math.is_finite(x)
    what = "numbers, or NaN where one is missing" if is_filled else "finite numbers"
    check = tf.debugging.Assert(tf.reduce_all(is_good), [f"{called}: expected {what}"])
    with tf.control_dependencies([check]):
        x = tf.identity(x)
    if not is_filled:
        return x[..., tf.newaxis]
    mean = tf.constant((row.missing or {})[column], tf.float32)
    return tf.stack([tf.where(is_missing, mean, x), tf.cast(is_missing, tf.float32)], -1)
