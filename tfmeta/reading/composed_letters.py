"""Letters and the marks after them -> the letters that Unicode has for both, in a graph.

"é" is one character, or an "e" with a mark after it: macOS and Vietnamese keyboards write the
second, of which tokenizers would make other tokens. Unicode's form NFC, UAX 15, is the first. So is
a Katakana letter of half width with its mark, in the form NFKC, for which NFC has no character.
"""

import itertools
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_PASSES = 3  # the most marks that a composed letter has
HALF_WIDTH = range(0xFF61, 0xFFA0)  # signs, letters and marks of Katakana
HALF_WIDTH_MARKS = "\uff9e\uff9f"
_BELOW = 0x20000  # from here on no letter is composed of others that Python's Unicode knows
# Of Hangul the parts of a syllable are counted (The Unicode Standard, 3.12). Where they begin, the
# first of the tails standing for none; and how many there are.
_LEAD, _VOWEL, _TAIL, _SYLLABLE = 0x1100, 0x1161, 0x11A7, 0xAC00
_LEADS, _VOWELS, _TAILS = 19, 21, 28
_SYLLABLES = _LEADS * _VOWELS * _TAILS


def composed(points: tf.RaggedTensor) -> tf.RaggedTensor:
    """Code points of texts `(texts, characters)`, composed.

    Marks that no composed letter has stay where they are, and those behind them too.
    """
    values, texts = points.flat_values, points.value_rowids()
    for _ in range(_PASSES):
        values, texts = _composed_once(values, texts)
    return tf.RaggedTensor.from_value_rowids(values, texts, nrows=points.nrows(), validate=False)


def _composed_once(values: Any, texts: Any) -> tuple[Any, Any]:
    """Each character joined to the one before, if they make one and that one is not joined."""
    one = tf.minimum(1, tf.size(values))
    none = tf.zeros([one], values.dtype)
    joined = _of_pair(tf.concat([none, values[:-1]], 0), values)
    is_first = tf.concat([tf.fill([one], True), texts[1:] != texts[:-1]], 0)
    can_join = (joined != 0) & ~is_first
    is_joined = can_join & ~tf.concat([tf.fill([one], False), can_join[:-1]], 0)
    after = tf.concat([tf.where(is_joined, joined, 0)[1:], none], 0)
    values = tf.where(after != 0, after, values)
    return tf.boolean_mask(values, ~is_joined), tf.boolean_mask(texts, ~is_joined)


def _of_pair(first: Any, second: Any) -> Any:
    """The one character that each pair makes; 0 if it makes none."""
    pairs, letters = _pairs()
    pair = tf.cast(first, tf.int64) * _BELOW + tf.cast(second, tf.int64)
    place = tf.minimum(tf.searchsorted(pairs, pair), len(pairs) - 1)
    known = (tf.gather(pairs, place) == pair) & (first < _BELOW) & (second < _BELOW)
    return tf.where(known, tf.gather(letters, place), _of_hangul(first, second))


def _of_hangul(first: Any, second: Any) -> Any:
    lead, syllable, vowel, tail = first - _LEAD, first - _SYLLABLE, second - _VOWEL, second - _TAIL
    is_open = (lead >= 0) & (lead < _LEADS) & (vowel >= 0) & (vowel < _VOWELS)
    is_closed = (syllable >= 0) & (syllable < _SYLLABLES) & (syllable % _TAILS == 0)
    is_closed &= (tail > 0) & (tail < _TAILS)
    opened = _SYLLABLE + (lead * _VOWELS + vowel) * _TAILS
    return tf.where(is_open, opened, tf.where(is_closed, first + tail, 0))


@cache
def _pairs() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Two characters as one number, in order; and what NFC makes of each such pair.

    The first may be composed already, of marks that come later in NFC: that of "ê" and a dot below
    is "ệ", whose first mark is the dot.
    """
    parts = [unicodedata.normalize("NFD", letter) for letter in map(chr, range(_BELOW))]
    composites = {
        chr(point): part
        for point, part in enumerate(parts)
        if len(part) > 1 and not _is_hangul(point)
    }
    firsts = {part[0] for part in composites.values()} | set(composites)
    seconds = sorted({mark for part in composites.values() for mark in part[1:]})
    found = {}
    for first in sorted(firsts):
        for second in seconds:
            if len(letter := unicodedata.normalize("NFC", first + second)) == 1:
                found[ord(first) * _BELOW + ord(second)] = ord(letter)
    for first, second in itertools.product(map(chr, HALF_WIDTH), HALF_WIDTH_MARKS):
        if len(letter := unicodedata.normalize("NFKC", first + second)) == 1:
            found[ord(first) * _BELOW + ord(second)] = ord(letter)
    order = sorted(found)
    return np.array(order, np.int64), np.array([found[pair] for pair in order], np.int32)


def _is_hangul(point: int) -> bool:
    return 0 <= point - _SYLLABLE < _SYLLABLES
