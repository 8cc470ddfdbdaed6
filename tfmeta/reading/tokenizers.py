"""Texts -> tokens -> ids. The rules are TensorFlow operations, so that a graph can serve them."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

_BATCH = 1024  # texts at once
RESERVED = 2  # ids that are no tokens: 0 is padding, 1 an unknown token

# Letters of the scripts that put no spaces between words, by their blocks in Unicode 16. Each is a
# token of its own, with the marks that follow it, because a graph has no dictionary of words.
_UNSPACED = (
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
# In RE2's syntax, which has no look-ahead. They are applied in this order:
_REWRITES = (
    # "don't" is one word, as in Unicode's rules for words (UAX 29, WB6), and so is the same
    # without its apostrophe. Other punctuation parts words.
    (r"['\x{2019}\x{FF07}]", ""),
    # A character that is no letter, mark, number or pictograph ends a token.
    (r"[^\pL\pM\pN\p{So}]+", " "),
    (rf"([{_UNSPACED}\p{{So}}]\pM*)", r" \1 "),
)
# U+FF01 to U+FF5E are the full-width forms of U+0021 to U+007E. Of Unicode's compatibility forms
# (NFKC) these alone are common in texts, and TensorFlow's graph has no operation for the others.
_FULL_WIDTH, _WIDTH_SHIFT = (0xFF01, 0xFF5E), 0xFF01 - 0x21


def spaced_tokens(texts: Any) -> Any:
    """Texts in lower case, in every script, with one or more spaces between tokens.

    Args:
        texts: strings `(texts,)`, a tensor or a list.
    """
    points = tf.strings.unicode_decode(texts, "UTF-8")
    flat = points.flat_values
    is_wide = (flat >= _FULL_WIDTH[0]) & (flat <= _FULL_WIDTH[1])
    narrow = points.with_flat_values(tf.where(is_wide, flat - _WIDTH_SHIFT, flat))
    texts = tf.strings.lower(tf.strings.unicode_encode(narrow, "UTF-8"), encoding="utf-8")
    for pattern, replacement in _REWRITES:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return texts


def _unchanged(texts: Any) -> Any:
    return list(texts)


def _lower(texts: Any) -> list[Any]:
    # In Python, because `strip_punctuation` and similar rules of Keras know only ASCII letters.
    return [text.lower() for text in texts]


# Each has a function of a list of texts, and the `standardize` of Keras's layer.
TOKENIZERS = {"unicode": (_unchanged, spaced_tokens), "ascii": (_lower, "strip_punctuation")}


class Vectoriser:
    """Texts -> ids, by a vocabulary.

    Args:
        vocabulary: the tokens in the order of their ids, from 0; the first two are no tokens.
        tokenizer: a name in `TOKENIZERS`.
    """

    def __init__(self, vocabulary: list[str], *, tokenizer: str):
        self._prepare, standardize = TOKENIZERS[tokenizer]
        self._layer = keras.layers.TextVectorization(
            standardize=standardize, vocabulary=vocabulary[RESERVED:], ragged=True
        )

    @staticmethod
    def vocabulary_of(texts: list[str], size: int, *, tokenizer: str) -> list[str]:
        """The most frequent tokens of these texts, at most `size`, in the order of their ids."""
        prepare, standardize = TOKENIZERS[tokenizer]
        layer = keras.layers.TextVectorization(max_tokens=size, standardize=standardize)
        layer.adapt(_batches(prepare(texts)))
        return layer.get_vocabulary()

    def ids(self, texts: list[str], length: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids of texts, and how many ids each text had.

        Args:
            texts: the texts.
            length: the number of ids per text that is returned.

        Returns:
            float32 `(texts, length)`, cut off or padded with 0; `(texts,)`, how many there were.
        """
        parts, lengths = [], []
        for batch in _batches(self._prepare(texts)):
            ids = self._layer(batch)
            lengths.append(ids.row_lengths().numpy())
            parts.append(ids.to_tensor(shape=(None, length)).numpy())
        return np.concatenate(parts).astype(np.float32), np.concatenate(lengths)


def _batches(texts: Any) -> tf.Tensor:
    return tf.data.Dataset.from_tensor_slices(texts).batch(_BATCH)
