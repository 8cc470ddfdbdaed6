"""What BERT's tokenizer makes of each character, as tables for a graph.

The rules are those of BERT's `BasicTokenizer` for lower case: control characters go, white space
becomes spaces, Chinese characters and punctuation stand alone, letters lose their case and their
accents (https://github.com/google-research/bert/blob/master/tokenization.py), in the form of the
package `tokenizers`, by which sentence encoders were trained. A graph has no decomposition of
letters (NFD) and no categories of characters, so Python's are put into tables.
"""

import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_MOST = 0x110000
# `_is_chinese_char`: the ideographs, of which no other rule makes another character.
_IDEOGRAPHS = (
    (0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2A6E0), (0x2A700, 0x2B740), (0x2B740, 0x2B820),
    (0x2B920, 0x2CEB0),
)  # fmt: skip
_COMPATIBLE = ((0xF900, 0xFB00), (0x2F800, 0x2FA20))  # ideographs that are decomposed
_PRIVATE = ((0xE000, 0xF900), (0xF0000, 0x10FFFE))
_PLANES = ((0x30000, 0xE0000), (0xE1000, 0xF0000))  # no letters with case or accents, no marks
_REMOVED = ("Cc", "Cf", "Co")  # control and format characters, private use


class CharacterTables(NamedTuple):
    """What becomes of each character, in runs of characters of one kind.

    Attributes:
        starts: `(runs,)`, the first code point of each run, in order.
        kinds: `(runs,)`, one of the constants below.
        rows: `(runs,)`, of a run that is `REPLACED`: the first character's row in `splits`.
        splits: `(replaced + 1,)`, where each replacement starts in `points`, and the end.
        points: code points of all replacements.
    """

    starts: npt.NDArray[Any]
    kinds: npt.NDArray[Any]
    rows: npt.NDArray[Any]
    splits: npt.NDArray[Any]
    points: npt.NDArray[Any]


# As it is; as it is between spaces; by what `points` has; by nothing.
KEPT, ALONE, REPLACED, REMOVED = range(4)


@cache
def character_tables() -> CharacterTables:
    """The tables; making them takes about half a second."""
    kinds = np.full(_MOST, KEPT, np.int32)
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
    return _in_runs(kinds, changed)


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
    for start, following in sorted([*ranges, (0xD800, 0xE000), (_MOST, _MOST)]):
        yield end, start
        end = following


def _in_runs(kinds: npt.NDArray[Any], changed: dict[int, str]) -> CharacterTables:
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    replacements = [changed[point] for point in np.flatnonzero(kinds == REPLACED).tolist()]
    row_of = np.cumsum(kinds == REPLACED) - 1
    lengths = [len(each) for each in replacements]
    points = [ord(letter) for each in replacements for letter in each]
    arrays = (starts, kinds[starts], row_of[starts], np.cumsum([0, *lengths]), points)
    return CharacterTables(*(np.asarray(each, np.int32) for each in arrays))
