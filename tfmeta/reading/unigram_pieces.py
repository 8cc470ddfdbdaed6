"""Texts -> the likeliest pieces of their words -> ids, by operations of a graph.

Kudo 2018, https://arxiv.org/abs/1804.10959: each piece has a probability, and of all ways to cut a
word that one is taken whose product is largest (Viterbi's algorithm). A mark begins each word, as
in SentencePiece (Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfmeta.reading.character_tables import CharacterTables
from tfmeta.reading.replaced_characters import replaced_words
from tfmeta.reading.text_ends import between_ends

UNKNOWN = 1  # the id of letters that are in no piece
FIRST, LAST = "<s>", "</s>"  # a text begins and ends with them
_WORD = "\u2581"  # begins each word


def unigram_ids(
    texts: Any,
    ids_of: Callable[[Any], Any],
    length: int,
    *,
    scores: npt.NDArray[Any],
    longest: int,
    characters: CharacterTables,
) -> tf.RaggedTensor:
    """The ids of texts, each between those of `FIRST` and `LAST`.

    Letters in sequence that are in no piece are one unknown piece. No piece is of two words.

    Args:
        texts: `(texts,)` strings in UTF-8; what is not is left out.
        ids_of: strings of any shape -> int64 ids; 1 for what the vocabulary does not have.
        length: of the longest answer; what comes later in a text is cut off.
        scores: `(vocabulary,)`, logarithms of probabilities, by id: of an unknown letter at its id,
            and minus infinity for what is no piece of a text.
        longest: letters of the longest piece.
        characters: what becomes of each character before.

    Returns:
        int64 `(texts, at most length)`.
    """
    # Every word has a piece at least, so that the words cut off here have no place.
    words = replaced_words(texts, characters)[:, : length - 2]
    marked = tf.strings.join([_WORD, words.flat_values])
    letters = tf.strings.unicode_split(marked, "UTF-8")[:, : length * longest]
    ids, values = _pieces_from(letters, ids_of, scores, longest)
    sizes = _likeliest_sizes(letters, values)
    found = tf.gather(ids, sizes - 1, batch_dims=1)
    is_begun = _are_begun(letters, sizes)
    pieces, word = (tf.boolean_mask(each, is_begun) for each in (found, letters.value_rowids()))
    is_new = (pieces[1:] != UNKNOWN) | (pieces[:-1] != UNKNOWN) | (word[1:] != word[:-1])
    is_new = tf.concat([tf.ones_like(pieces[:1], tf.bool), is_new], 0)
    pieces, word = (tf.boolean_mask(each, is_new) for each in (pieces, word))
    inner = tf.RaggedTensor.from_value_rowids(
        pieces, tf.gather(words.value_rowids(), word), nrows=words.nrows(), validate=False
    )
    return between_ends(inner, (FIRST, LAST), ids_of, length)


def _pieces_from(
    letters: tf.RaggedTensor, ids_of: Callable[[Any], Any], scores: Any, longest: int
) -> tuple[Any, Any]:
    """The pieces that begin at each letter, of one letter, of two and so on.

    Returns:
        ids and scores, float64, both `(letters, longest)`; minus infinity where there is no piece.
    """
    flat = letters.flat_values
    joined, rest = [flat], flat
    for _ in range(longest - 1):
        rest = tf.concat([rest[1:], tf.fill([tf.minimum(1, tf.size(rest))], "")], 0)
        joined.append(tf.strings.join([joined[-1], rest]))
    ids = ids_of(tf.stack(joined, 1))
    places = tf.range(tf.size(flat, tf.int64))
    left = tf.gather(letters.row_limits(), letters.value_rowids()) - places
    sizes = np.arange(1, longest + 1)
    # What is unknown is cut into letters.
    is_piece = (left[:, tf.newaxis] >= sizes) & ((ids != UNKNOWN) | (sizes == 1))
    values = tf.gather(tf.constant(scores, tf.float32), ids)
    return ids, tf.where(is_piece, tf.cast(values, tf.float64), -np.inf)


def _likeliest_sizes(letters: tf.RaggedTensor, values: Any) -> Any:
    """`(letters,)`: the size of the piece with which the likeliest rest of a word begins there.

    All words are read at once, each from its end: what is the best from a letter on is known once
    it is known for the letters after it. The words that are longest come first, so that those which
    are not read through are the first ones at each step.

    Args:
        letters: of the words.
        values: `(letters, longest)`, the score of each piece that begins at a letter.
    """
    longest = values.shape[1]
    lengths = letters.row_lengths()
    limits = tf.gather(letters.row_limits(), tf.argsort(lengths, direction="DESCENDING"))
    most = tf.reduce_max(tf.concat([lengths, [0]], 0))
    steps = tf.range(1, most + 1)
    numbers = letters.nrows() - tf.searchsorted(tf.sort(lengths), steps, out_type=tf.int64)

    def step(number: Any, after: Any, sizes: Any) -> Any:
        going_on = numbers[number]
        after = after[:going_on]
        following = tf.gather(values, limits[:going_on] - 1 - number) + after
        size = tf.argmax(following, 1) + 1
        best = tf.reduce_max(following, 1, keepdims=True)
        sizes = sizes.write(tf.cast(number, tf.int32), size)
        return number + 1, tf.concat([best, after[:, :-1]], 1), sizes

    # Of the letters that follow, at the end of a word: none is left, or there are not so many.
    at_end = tf.tile([[0.0] + [-np.inf] * (longest - 1)], [letters.nrows(), 1])
    found = tf.TensorArray(
        tf.int64, tf.cast(most, tf.int32), element_shape=(None,), infer_shape=False
    )
    _, _, found = tf.while_loop(
        lambda number, *_: number < most,
        step,
        (tf.constant(0, tf.int64), tf.cast(at_end, tf.float64), found),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, longest]), None),
    )
    rows = tf.ragged.range(numbers)
    places = tf.gather(limits, rows.flat_values) - 1 - rows.value_rowids()
    shape = tf.shape(letters.flat_values, tf.int64)
    return tf.scatter_nd(places[:, tf.newaxis], found.concat(), shape)


def _are_begun(letters: tf.RaggedTensor, sizes: Any) -> Any:
    """`(letters,)`: whether a piece begins there, if each goes on where the one before ends.

    What is reached in one step, in two, in four and so on is put together.
    """
    number = tf.size(sizes, tf.int64)
    # A place behind all letters, where the last word ends.
    ends = tf.concat([tf.range(number) + sizes, [number]], 0)
    begun = tf.scatter_nd(
        letters.row_limits()[:, tf.newaxis], tf.ones_like(letters.row_limits()), [number + 1]
    )
    begun = tf.tensor_scatter_nd_max(begun, [[0]], [1])
    done = tf.constant(1, tf.int64)
    most = tf.reduce_max(tf.concat([letters.row_lengths(), [0]], 0))

    def step(done: Any, begun: Any, ends: Any) -> Any:
        begun = tf.tensor_scatter_nd_max(begun, ends[:, tf.newaxis], begun)
        return 2 * done, begun, tf.gather(ends, ends)

    _, begun, _ = tf.while_loop(lambda done, *_: done < 2 * most, step, (done, begun, ends))
    return begun[:-1] > 0
