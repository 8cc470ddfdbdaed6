"""Rows with categories and missing numbers -> vectors, as operations of a graph."""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import at_most

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


def prepared(row: "TableFormat", columns: dict[str, tf.Tensor], name: str, own: Any) -> tf.Tensor:
    """The vectors of some rows, or an InvalidArgument error that begins with an input's name.

    Args:
        row: the format.
        columns: tensors of one shape `(...)`, by the columns' names.
        name: what an error calls the input, without the column.
        own: `(...)`, which rows are examples; the others are padding. None: all of them.

    Returns:
        float32 `(..., *row.shape)`.
    """
    first = tf.shape(columns[row.columns[0]])
    parts = []
    for column, ending in row.endings.items():
        x, called = columns[column], name + ending
        message = f"{called}: expected the shape of {name + row.endings[row.columns[0]]}"
        same = tf.debugging.assert_equal(tf.shape(x), first, message)
        with tf.control_dependencies([] if same is None else [same]):
            x = tf.identity(x)
        if own is not None:
            x = tf.where(own, x, "" if column in row.categories else 0.0)
        place = _placed if column in row.categories else _filled
        parts.append(place(row, column, x, called, own))
    return tf.concat(parts, -1)


def _placed(row: "TableFormat", column: str, x: tf.Tensor, called: str, own: Any) -> tf.Tensor:
    """Texts `(...)` -> `(..., 1 + vocabulary)`."""
    texts = tf.strings.strip(x)
    if row.missing is None:
        is_there = texts != "" if own is None else (texts != "") | ~own
        check = tf.debugging.Assert(
            tf.reduce_all(is_there), [f"{called}: expected texts, received an empty one"]
        )
        with tf.control_dependencies([check]):
            texts = tf.identity(texts)
    found = texts[..., tf.newaxis] == tf.constant(row.categories[column])
    unknown = ~tf.reduce_any(found, -1, keepdims=True)
    return tf.cast(tf.concat([unknown, found], -1), tf.float32)


def _filled(row: "TableFormat", column: str, x: tf.Tensor, called: str, own: Any) -> tf.Tensor:
    """Numbers `(...)` -> `(..., 1)`, or with whether they are missing `(..., 2)`."""
    del own  # padding is 0 here
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
