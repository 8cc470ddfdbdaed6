"""Where examples came from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Origins:
    """Where examples came from; what `tfmeta inspect` reports. An entry an example, but for two.

    Attributes:
        names: of the files, relative to the data's folder.
        sizes: `(examples, 2)` height and width before resizing, in pixels.
        modes: of their pixels, in Pillow's words ("RGB", "L", ...).
        digests: of their pixels before resizing; equal ones are duplicates.
        unreadable: `(name, problem)` of each file that was skipped.
        passed_over: names of what lies beside the class folders.
    """

    names: tuple[str, ...] = ()
    sizes: np.ndarray | None = None
    modes: tuple[str, ...] = ()
    digests: tuple[bytes, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[str, ...] = ()
