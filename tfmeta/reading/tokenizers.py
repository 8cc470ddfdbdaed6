"""Texts -> tokens -> ids. The rules are TensorFlow operations, so that a graph can serve them."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

from tfmeta.reading.composed_letters import HALF_WIDTH, composed
from tfmeta.reading.fixed_vocabularies import UnigramPieces, WordPieces
from tfmeta.reading.tokenizer import RESERVED, IdsAndNumbers, Tokenizer, cut_to, in_batches

# Letters of the scripts that put no spaces between words, by their blocks in Unicode 16. Each is a
# token of its own, with the marks that follow it, because a graph has no dictionary of words.
UNSPACED = (
    r"\x{0E00}-\x{0EFF}"  # Thai, Lao
    r"\x{0F00}-\x{0FFF}"  # Tibetan
    r"\x{1000}-\x{109F}\x{A9E0}-\x{A9FF}\x{AA60}-\x{AA7F}"  # Myanmar
    r"\x{1780}-\x{17FF}"  # Khmer
    r"\x{1950}-\x{19DF}\x{1A20}-\x{1AAF}\x{AA80}-\x{AADF}"  # Tai Le, New Tai Lue, Tai Tham, Viet
    r"\x{2E80}-\x{2FDF}\x{3005}-\x{3007}\x{3021}-\x{3029}"  # radicals and signs of Han
    r"\x{3031}-\x{3035}\x{3040}-\x{30FF}\x{3100}-\x{312F}"  # Hiragana, Katakana, Bopomofo
    r"\x{31A0}-\x{31BF}\x{31F0}-\x{31FF}\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}"
    r"\x{FF66}-\x{FF9F}\x{1AFF0}-\x{1B16F}\x{20000}-\x{3FFFF}"  # half width; the later planes
)
_UNSPACED_LETTER = rf"[{UNSPACED}]\pM*"
_LONGEST_NGRAM = 3  # letters
# In RE2's syntax, which has no look-ahead. They are applied in this order:
_REWRITES = (
    # "don't" is one word, as in Unicode's rules for words (UAX 29, WB6), and so is the same
    # without its apostrophe. Other punctuation parts words.
    (r"['\x{2019}\x{FF07}]", ""),
    # A character that is no letter, mark, number or pictograph ends a token.
    (r"[^\pL\pM\pN\p{So}]+", " "),
    (rf"([{UNSPACED}\p{{So}}]\pM*)", r" \1 "),
)
# U+FF01 to U+FF5E are the full-width forms of U+0021 to U+007E, and Katakana has forms of half
# width. Of Unicode's compatibility forms (NFKC) these alone are common in texts, and TensorFlow's
# graph has no operation for the others.
_FULL_WIDTH, _WIDTH_SHIFT = (0xFF01, 0xFF5E), 0xFF01 - 0x21
_KATAKANA = np.array([ord(unicodedata.normalize("NFKC", chr(n))) for n in HALF_WIDTH], np.int32)


def spaced_tokens(texts: Any) -> Any:
    """Texts in lower case, in every script, with one or more spaces between tokens.

    Letters and their marks are one character, if Unicode has it.

    Args:
        texts: strings `(texts,)`, a tensor or a list.
    """
    points = composed(tf.strings.unicode_decode(texts, "UTF-8"))
    flat = points.flat_values
    is_wide = (flat >= _FULL_WIDTH[0]) & (flat <= _FULL_WIDTH[1])
    flat = tf.where(is_wide, flat - _WIDTH_SHIFT, flat)
    is_half = (flat >= HALF_WIDTH.start) & (flat < HALF_WIDTH.stop)
    place = tf.where(is_half, flat - HALF_WIDTH.start, 0)
    flat = tf.where(is_half, tf.gather(_KATAKANA, place), flat)
    usual = tf.strings.unicode_encode(points.with_flat_values(flat), "UTF-8")
    texts = tf.strings.lower(usual, encoding="utf-8")
    for pattern, replacement in _REWRITES:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return texts


def trigrams(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """The three letters at each place of each token, which stands between "<" and ">".

    Args:
        tokens: `(texts, tokens)` strings.

    Returns:
        `(texts, trigrams)` strings: as many for a token as it has letters.
    """
    return _of_texts(_trigrams_of(tokens.flat_values), tokens)


def _trigrams_of(words: tf.Tensor) -> tf.RaggedTensor:
    """Words `(words,)` -> `(words, trigrams)`, none of an empty one."""
    marked = tf.where(words == "", "", tf.strings.join(["<", words, ">"]))
    return tf.strings.ngrams(tf.strings.unicode_split(marked, "UTF-8"), 3, separator="")


def _of_texts(found: tf.RaggedTensor, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """What was found in each of all tokens, `(tokens, ...)`, by the texts that they are of."""
    lengths = tf.reduce_sum(tokens.with_flat_values(found.row_lengths()), 1)
    return tf.RaggedTensor.from_row_lengths(found.flat_values, lengths, validate=False)


def ngrams(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
    """The trigrams of words; of scripts without spaces one, two and three letters in sequence.

    Args:
        tokens: `(texts, tokens)` strings, of which a letter of such a script is one.

    Returns:
        `(texts, n-grams)` strings, in the order of the tokens in which they begin.
    """
    flat, rows = tokens.flat_values, tokens.value_rowids()
    is_letter = tf.strings.regex_full_match(flat, _UNSPACED_LETTER)
    joined, is_whole = [flat], [is_letter]
    for ahead in range(1, _LONGEST_NGRAM):
        row, letter, letters = (
            tf.concat([each[ahead:], tf.fill([tf.minimum(ahead, tf.size(each))], none)], 0)
            for each, none in ((rows, tf.constant(-1, rows.dtype)), (is_letter, False), (flat, ""))
        )
        joined.append(tf.strings.join([joined[-1], letters]))
        is_whole.append(is_whole[-1] & letter & (row == rows))
    of_letters = tf.ragged.boolean_mask(tf.stack(joined, 1), tf.stack(is_whole, 1))
    found = tf.concat([of_letters, _trigrams_of(tf.where(is_letter, "", flat))], 1)
    return _of_texts(found, tokens)


@final
class CountedTokens(Tokenizer):
    """Tokens of which the most frequent of training have ids.

    Args:
        length: as in `Tokenizer`.
        network: as in `Tokenizer`.
        of_tokens: makes tokens of the words, `(texts, words)` in a graph.
        prepare: a list of texts -> what Keras's layer takes.
        standardize: of Keras's layer.
    """

    def __init__(
        self,
        length: int,
        network: str,
        *,
        of_tokens: Callable[[Any], Any] = lambda words: words,
        prepare: Callable[[list[str]], list[str]] = list,
        standardize: Any = spaced_tokens,
    ):
        super().__init__(length, network)
        self._of_tokens, self._prepare = of_tokens, prepare
        self._rules = {"standardize": standardize, "split": self._split}

    def _split(self, texts: Any) -> Any:
        return self._of_tokens(tf.strings.split(texts))

    def vocabulary_of(self, texts: list[str], size: int) -> list[str]:
        layer = keras.layers.TextVectorization(max_tokens=size, **self._rules)
        layer.adapt(in_batches(self._prepare(texts)))
        words: list[str] = layer.get_vocabulary()
        return words

    def ids(self, texts: list[str], vocabulary: Sequence[str], length: int) -> IdsAndNumbers:
        words = list(vocabulary[RESERVED:])
        layer = keras.layers.TextVectorization(vocabulary=words, ragged=True, **self._rules)
        return cut_to([layer(batch) for batch in in_batches(self._prepare(texts))], length)

    def graph_ids(
        self, texts: Any, tokens: Any, *, vocabulary: Sequence[str], ids_of: Any, length: int
    ) -> Any:
        del texts, vocabulary
        # Each token has one n-gram or more that begins in it, of which the last ones reach further.
        tokens = self._of_tokens(tokens[:, : length + _LONGEST_NGRAM - 1])[:, :length]
        return tokens.with_flat_values(ids_of(tokens.flat_values))


def _lower(texts: list[str]) -> list[str]:
    # In Python, because `strip_punctuation` and similar rules of Keras know only ASCII letters.
    return [text.lower() for text in texts]


TOKENIZERS: dict[str, Tokenizer] = {
    "ngrams": CountedTokens(256, "bag_of_ngrams", of_tokens=ngrams),
    "trigrams": CountedTokens(256, "bag_of_ngrams", of_tokens=trigrams),
    "unicode": CountedTokens(32, "bag_of_tokens"),
    "wordpiece": WordPieces(64, "minilm"),
    "unigram": UnigramPieces(64, "multilingual_e5"),
    # No graph has its rules (see `IN_GRAPH` in text_format.py).
    "ascii": CountedTokens(32, "bag_of_tokens", prepare=_lower, standardize="strip_punctuation"),
}
