"""Where the words of a text are, by the rules of `spaced_tokens`, which a graph computes."""

import re
import unicodedata

from tfmeta.reading.composed_letters import HALF_WIDTH_MARKS
from tfmeta.reading.tokenizers import UNSPACED

_APOSTROPHES = "'’＇"  # noqa: RUF001 - the three of `spaced_tokens`
_CLASS = re.sub(r"\\x\{(\w+)\}", lambda code: re.escape(chr(int(code[1], 16))), UNSPACED)
_UNSPACED_LETTER = re.compile(f"[{_CLASS}]")
_WORD = re.compile("AM*|[LM](?:[LM']*[LM])?")  # of the kinds of the letters


def word_spans(text: str) -> list[tuple[int, int]]:
    """The first place of each word, and the one after its last.

    A letter of a script without spaces is a word, with its marks, and so is a pictograph.
    """
    kinds = "".join(map(_kind, text))
    return [word.span() for word in _WORD.finditer(kinds)]


def _kind(letter: str) -> str:
    """Of a character: alone a word (A), a letter (L), mark (M), apostrophe ('), or none ( )."""
    category = unicodedata.category(letter)
    if letter in _APOSTROPHES:
        return "'"
    if category[0] == "M" or letter in HALF_WIDTH_MARKS:
        return "M"
    if category == "So" or (category[0] in "LN" and _UNSPACED_LETTER.match(letter)):
        return "A"
    return "L" if category[0] in "LN" or category == "Cn" else " "
