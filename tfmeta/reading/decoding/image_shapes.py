"""Gives an image another shape without squashing it, in a TensorFlow graph."""

from typing import Any

import tensorflow as tf


def cropped(image: Any, height: int, width: int) -> Any:
    """The middle of `(rows, columns, channels)`, as large as it can be in the shape height : width.

    The caller then changes its size.
    """
    rows, columns = tf.unstack(tf.shape(image)[:2])
    new_rows = tf.clip_by_value(_share(columns, height, width), 1, rows)
    new_columns = tf.clip_by_value(_share(rows, width, height), 1, columns)
    top, left = (rows - new_rows) // 2, (columns - new_columns) // 2
    return image[top : top + new_rows, left : left + new_columns]


def padded(image: Any, height: int, width: int, *, ground: float) -> tf.Tensor:
    """`(rows, columns, channels)` resized, with antialiasing, in the middle of a background.

    Args:
        image: float32.
        height, width: of what is returned, pixels.
        ground: the background's grey level.

    Returns:
        float32 `(height, width, channels)`.
    """
    rows, columns = tf.unstack(tf.shape(image)[:2])
    new_rows = tf.clip_by_value(_share(width, rows, columns), 1, height)
    new_columns = tf.clip_by_value(_share(height, columns, rows), 1, width)
    image = tf.image.resize(image, (new_rows, new_columns), antialias=True)
    top, left = (height - new_rows) // 2, (width - new_columns) // 2
    sides = [[top, height - new_rows - top], [left, width - new_columns - left], [0, 0]]
    return tf.pad(image, sides, constant_values=ground)


def _share(number: Any, numerator: Any, denominator: Any) -> tf.Tensor:
    """`number * numerator / denominator`, rounded to a whole number."""
    number, numerator, denominator = (
        tf.cast(v, tf.int64) for v in (number, numerator, denominator)
    )
    whole = (2 * number * numerator + denominator) // (2 * denominator)
    return tf.cast(tf.minimum(whole, tf.int32.max), tf.int32)
