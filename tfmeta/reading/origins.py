"""Where examples came from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfmeta.errors import counted

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
    named = "; ".join(f"{name} {problem}" for name, problem in unreadable[:_MOST_NAMES])
    more = f"; and {len(unreadable) - _MOST_NAMES} more" if unreadable[_MOST_NAMES:] else ""
    return (
        f"{counted(len(unreadable), 'file')} can't be read: {named}{more}. "
        "Mend or remove them, or leave them out: --skip-unreadable"
    )
