"""Texts -> word pieces -> ids, as BERT's tokenizer makes them, by operations of a graph."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.reading.bert_characters import character_tables
from tfmeta.reading.replaced_characters import replaced_words
from tfmeta.reading.text_ends import between_ends
from tfmeta.user_files import read_file

UNKNOWN = 1  # the id of what the vocabulary does not have
FIRST, LAST = "[CLS]", "[SEP]"  # a text begins and ends with them
_PADDING_TOKEN, _UNKNOWN_TOKEN = "[PAD]", "[UNK]"
_INNER = "##"  # begins a piece that does not begin a word
_LONGEST_WORD = 100  # characters; a longer word is unknown


def read_bert_tokens(path: Path) -> list[str]:
    """The tokens of BERT's `vocab.txt`, in the order of its ids.

    Raises:
        UserError: if it can't be read, or it lacks a token that every such file has.
    """
    tokens = read_file(path).decode("utf-8").splitlines()
    missing = {_PADDING_TOKEN, _UNKNOWN_TOKEN, FIRST, LAST} - set(tokens)
    if missing:
        raise UserError(f"{path} is no vocabulary of BERT: it has no {min(missing)}")
    return tokens


def bert_order(tokens: Sequence[str]) -> list[int]:
    """BERT's ids in the order of ours: padding (0), unknown (1), and the others as they come."""
    first = [tokens.index(_PADDING_TOKEN), tokens.index(_UNKNOWN_TOKEN)]
    return first + [place for place in range(len(tokens)) if place not in first]


def longest_piece(vocabulary: Sequence[str]) -> int:
    """Characters of the longest piece, without the mark of an inner one."""
    return max(len(token.removeprefix(_INNER)) for token in vocabulary)


def word_piece_ids(
    texts: Any, ids_of: Callable[[Any], Any], length: int, *, longest: int
) -> tf.RaggedTensor:
    """The ids of texts, each between those of `FIRST` and `LAST`.

    A word becomes the longest piece that it begins with, then the longest that the rest begins
    with, and so on. A word for which this fails is unknown.

    Args:
        texts: `(texts,)` strings in UTF-8; what is not is left out.
        ids_of: strings of any shape -> int64 ids; 1 for what the vocabulary does not have.
        length: of the longest answer; what comes later in a text is cut off.
        longest: `longest_piece` of the vocabulary.

    Returns:
        int64 `(texts, at most length)`.
    """
    # Every word has a piece at least, so that the words cut off here have no place.
    words = replaced_words(texts, character_tables())[:, : length - 2]
    pieces, counts = _pieces(words.flat_values, ids_of, longest)
    counts = words.with_flat_values(counts)
    inner = tf.RaggedTensor.from_row_lengths(pieces, tf.reduce_sum(counts, 1), validate=False)
    return between_ends(inner, (FIRST, LAST), ids_of, length)


def _pieces(words: Any, ids_of: Callable[[Any], Any], longest: int) -> tuple[Any, Any]:
    """The ids of all words' pieces, one after the other; and how many each word has."""
    sizes = tf.strings.length(words, unit="UTF8_CHAR")
    number = tf.size(words)
    is_long = sizes > _LONGEST_WORD
    # What is left of a word: `starts` is where it begins; at the end of the word it is done.
    starts, found = tf.where(is_long, sizes, 0), tf.zeros((number, 0), tf.int64)

    def goes_on(starts: Any, is_bad: Any, found: Any) -> Any:
        del is_bad, found
        return tf.reduce_any(starts < sizes)

    def step(starts: Any, is_bad: Any, found: Any) -> Any:
        active = tf.where(starts < sizes)
        begin, rest = (tf.gather_nd(each, active) for each in (starts, sizes - starts))
        ids, taken = _longest_pieces(tf.gather_nd(words, active), begin, ids_of, longest)
        is_there = ids != UNKNOWN
        taken = tf.where(is_there, tf.minimum(taken, rest), rest)
        starts = tf.tensor_scatter_nd_add(starts, active, taken)
        is_bad = tf.tensor_scatter_nd_update(is_bad, active, ~is_there)
        column = tf.scatter_nd(active, ids, tf.shape(starts, tf.int64))
        return starts, is_bad, tf.concat([found, column[:, tf.newaxis]], 1)

    shapes = (tf.TensorShape([None]), tf.TensorShape([None]), tf.TensorShape([None, None]))
    _, is_bad, found = tf.while_loop(
        goes_on,
        step,
        (starts, is_long, found),
        shape_invariants=shapes,
        maximum_iterations=_LONGEST_WORD,
    )
    bad = tf.cast(is_bad[:, tf.newaxis], tf.int64)
    found = tf.concat([UNKNOWN * bad, (1 - bad) * found], 1)
    return tf.boolean_mask(found, found > 0), tf.math.count_nonzero(found > 0, 1)


def _longest_pieces(
    words: Any, begin: Any, ids_of: Callable[[Any], Any], longest: int
) -> tuple[Any, Any]:
    """The longest piece that begins at a place of each word: its id, and its characters."""
    lengths = tf.range(longest, 0, -1)
    number = tf.size(words)
    pieces = tf.strings.substr(
        tf.tile(words[:, tf.newaxis], [1, longest]),
        tf.tile(begin[:, tf.newaxis], [1, longest]),
        tf.tile(lengths[tf.newaxis], [number, 1]),
        unit="UTF8_CHAR",
    )
    mark = tf.where(begin > 0, _INNER, "")
    ids = ids_of(tf.strings.join([tf.tile(mark[:, tf.newaxis], [1, longest]), pieces]))
    # The first that is there; if none is, the shortest, which is not either.
    is_there = tf.concat([ids[:, :-1] != UNKNOWN, tf.ones((number, 1), tf.bool)], 1)
    place = tf.argmax(tf.cast(is_there, tf.int32), 1)
    return tf.gather(ids, place, batch_dims=1), tf.gather(lengths, place)
