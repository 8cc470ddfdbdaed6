"""Where examples came from."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfmeta.errors import counted, listed

_MOST_NAMES = 10


@dataclass(frozen=True)
class Origins:
    """Where examples came from, as `tfmeta inspect` reports it.

    Attributes:
        names: the file of each example, relative to the data's folder; or where in a file it is.
        sizes: `(examples, 2)` height and width before resizing, in pixels.
        modes: the mode of each example's pixels, in Pillow's words ("RGB", "L", ...).
        digests: a digest of each example's pixels before resizing; equal digests mean duplicates.
        unreadable: `(name, problem)` of each file that was skipped.
        passed_over: names of files and folders that are no class folders.
        notes: sentences about how the examples were read, for the user.
    """

    names: Sequence[str] = ()
    sizes: np.ndarray | None = None
    modes: tuple[str, ...] = ()
    digests: tuple[bytes, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def unreadable_files(unreadable: Sequence[tuple[str, str]]) -> str:
    """The message that refuses files which are no whole images; `(name, problem)` for each."""
    by_problem = defaultdict(list)
    for name, problem in unreadable:
        by_problem[problem].append(name)
    named = [_together(names, problem) for problem, names in by_problem.items()]
    return (
        f"{counted(len(unreadable), 'file')} can't be read: "
        f"{listed(named, _MOST_NAMES, between='; ')}. "
        "Mend or remove them, or leave them out: --skip-unreadable"
    )


def _together(names: Sequence[str], problem: str) -> str:
    """Files that have one problem."""
    return f"{names[0]} {problem}" if len(names) == 1 else f"{listed(names)}: each {problem}"
