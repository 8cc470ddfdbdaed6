"""Where examples came from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
