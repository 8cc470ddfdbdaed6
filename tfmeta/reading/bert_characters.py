"""What BERT's tokenizer makes of each character, as tables for a graph.

The rules are those of BERT's `BasicTokenizer` for lower case: control characters go, white space
becomes spaces, Chinese characters and punctuation stand alone, letters lose their case and their
accents (https://github.com/google-research/bert/blob/master/tokenization.py), in the form of the
package `tokenizers`, by which sentence encoders were trained. A graph has no decomposition of
letters (NFD) and no categories of characters, so Python's are put into tables.
"""

import unicodedata
from functools import cache
from typing import Any

import numpy as np

from tfmeta.reading.character_tables import (
    ALONE,
    KEPT,
    NUMBER,
    REMOVED,
    REPLACED,
    CharacterTables,
    in_runs,
)

# `_is_chinese_char`: the ideographs, of which no other rule makes another character.
_IDEOGRAPHS = (
    (0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2A6E0), (0x2A700, 0x2B740), (0x2B740, 0x2B820),
    (0x2B920, 0x2CEB0),
)  # fmt: skip
_COMPATIBLE = ((0xF900, 0xFB00), (0x2F800, 0x2FA20))  # ideographs that are decomposed
_PRIVATE = ((0xE000, 0xF900), (0xF0000, 0x10FFFE))
_PLANES = ((0x30000, 0xE0000), (0xE1000, 0xF0000))  # no letters with case or accents, no marks
_REMOVED = ("Cc", "Cf", "Co")  # control and format characters, private use


@cache
def character_tables() -> CharacterTables:
    """The tables; making them takes about half a second."""
    kinds = np.full(NUMBER, KEPT, np.int32)
    changed = {}
    whole = ((_IDEOGRAPHS, ALONE), (_PRIVATE, REMOVED), (_PLANES, KEPT))
    for ranges, kind in whole:
        for start, end in ranges:
            kinds[start:end] = kind
    for start, end in _gaps([each for ranges, _ in whole for each in ranges]):
        for point in range(start, end):
            letter = chr(point)
            found = replacement(letter)
            if found == f" {letter} ":
                kinds[point] = ALONE
            elif found != letter:
                kinds[point] = REPLACED if found else REMOVED
                changed[point] = found
    return in_runs(kinds, changed)


def replacement(letter: str) -> str:
    """What becomes of one character."""
    if letter in "\t\n\r":
        return " "
    if letter in "\0\ufffd" or unicodedata.category(letter) in _REMOVED:
        return ""
    if letter.isspace():
        return " "
    kept = ""
    for part in unicodedata.normalize("NFD", letter):
        if unicodedata.category(part) != "Mn":
            kept += "".join(f" {p} " if _is_punctuation(p) else p for p in part.lower())
    is_ideograph = any(start <= ord(letter) < end for start, end in (*_IDEOGRAPHS, *_COMPATIBLE))
    return f" {kept} " if is_ideograph else kept


def _is_punctuation(letter: str) -> bool:
    is_sign = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
    return is_sign or unicodedata.category(letter)[0] == "P"


def _gaps(ranges: Any) -> Any:
    """The ranges between these, without the code points of surrogates."""
    end = 0
    for start, following in sorted([*ranges, (0xD800, 0xE000), (NUMBER, NUMBER)]):
        yield end, start
        end = following
