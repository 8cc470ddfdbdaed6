"""Texts of pretrained encoders stand between two tokens."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def between_ends(
    pieces: tf.RaggedTensor, ends: tuple[str, str], ids_of: Callable[[Any], Any], length: int
) -> tf.RaggedTensor:
    """Ids with those of the two ends around them.

    Args:
        pieces: `(texts, ids)`.
        ends: the tokens that begin and end a text.
        ids_of: strings of any shape -> int64 ids.
        length: of the longest answer; what comes later in a text is cut off, before its end.

    Returns:
        int64 `(texts, at most length)`.
    """
    found = tf.reshape(ids_of(tf.constant(ends)), (2, 1, 1))
    first, last = (tf.tile(end, [pieces.nrows(), 1]) for end in tf.unstack(found))
    return tf.concat([first, pieces[:, : length - 2], last], 1)
