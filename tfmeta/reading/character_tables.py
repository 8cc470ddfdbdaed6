"""What becomes of each character of a text, as tables for a graph."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

NUMBER = 0x110000  # code points there are
# As it is; as it is between spaces; by what `points` has; by nothing.
KEPT, ALONE, REPLACED, REMOVED = range(4)


class CharacterTables(NamedTuple):
    """What becomes of each character, in runs of characters of one kind.

    Attributes:
        starts: `(runs,)`, the first code point of each run, in order.
        kinds: `(runs,)`, one of the constants above.
        rows: `(runs,)`, of a run that is `REPLACED`: the first character's row in `splits`.
        splits: `(replaced + 1,)`, where each replacement starts in `points`, and the end.
        points: code points of all replacements.
    """

    starts: npt.NDArray[Any]
    kinds: npt.NDArray[Any]
    rows: npt.NDArray[Any]
    splits: npt.NDArray[Any]
    points: npt.NDArray[Any]


def in_runs(kinds: npt.NDArray[Any], changed: Mapping[int, str]) -> CharacterTables:
    """The tables of kinds `(NUMBER,)`, and of what replaces each code point that is `REPLACED`."""
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    replacements = [changed[point] for point in np.flatnonzero(kinds == REPLACED).tolist()]
    row_of = np.cumsum(kinds == REPLACED) - 1
    lengths = [len(each) for each in replacements]
    points = [ord(letter) for each in replacements for letter in each]
    arrays = (starts, kinds[starts], row_of[starts], np.cumsum([0, *lengths]), points)
    return CharacterTables(*(np.asarray(each, np.int32) for each in arrays))
