"""Characters of texts, each replaced as tables say, by operations of a graph."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.reading.character_tables import ALONE, KEPT, REMOVED, REPLACED, CharacterTables
from tfmeta.reading.composed_letters import composed


def replaced_words(texts: Any, tables: CharacterTables) -> tf.RaggedTensor:
    """The words of texts `(texts,)` in UTF-8, of characters that are replaced, `(texts, words)`.

    White space of ASCII parts words; what is not UTF-8 is left out. Letters and their marks are
    composed before.
    """
    points = composed(tf.strings.unicode_decode(texts, "UTF-8", replacement_char=0))
    values, lengths = _replaced(points.flat_values, tables)
    ends = tf.concat([[0], tf.cumsum(tf.cast(lengths, tf.int64))], 0)
    splits = tf.gather(ends, points.row_splits)
    cleaned = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
    return tf.strings.split(tf.strings.unicode_encode(cleaned, "UTF-8"))


def _replaced(points: Any, tables: CharacterTables) -> tuple[Any, Any]:
    """Code points -> those that replace them, one after the other; and how many replace each."""
    run = tf.searchsorted(tables.starts, points, side="right") - 1
    kinds = tf.gather(tables.kinds, run)
    is_replaced = kinds == REPLACED
    row = tf.gather(tables.rows, run) + points - tf.gather(tables.starts, run)
    row = tf.where(is_replaced, row, 0)
    start = tf.gather(tables.splits, row)
    usual = np.zeros(4, np.int32)
    usual[[KEPT, ALONE, REMOVED]] = 1, 3, 0
    lengths = tf.where(
        is_replaced, tf.gather(tables.splits, row + 1) - start, tf.gather(usual, kinds)
    )
    source = tf.repeat(tf.range(tf.size(points)), lengths)
    place = tf.range(tf.size(source)) - tf.gather(tf.cumsum(lengths, exclusive=True), source)
    own = tf.gather(points, source)
    is_space = (tf.gather(kinds, source) == ALONE) & (place != 1)
    values = tf.where(is_space, ord(" "), own)
    in_table = tf.gather(is_replaced, source)
    others = tf.gather(tables.points, tf.where(in_table, tf.gather(start, source) + place, 0))
    return tf.where(in_table, others, values), lengths
