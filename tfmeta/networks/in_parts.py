"""What a network makes of many examples, of which few are in memory at a time."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

BATCH = 256
_KEPT = 6  # features of all examples; as many as heads are compared by, see unseen_labels.py
Features = npt.NDArray[np.float32]


def computed(
    network: keras.Model, x: Features, *, on_progress: Callable[[int, int], None] | None = None
) -> Features:
    """What a network makes of examples, computed anew, in parts."""
    parts = []
    for start in range(0, len(x), BATCH):
        if on_progress:
            on_progress(start, len(x))
        parts.append(network(x[start : start + BATCH], training=False).numpy())
    return np.concatenate(parts)


def computed_without(
    make_network: Callable[[npt.NDArray[Any]], keras.Model], x: Features
) -> Callable[[npt.NDArray[Any]], Features]:
    """What a network makes of all examples that was fitted without the labels of some.

    Args:
        make_network: numbers of these -> the network.
        x: the examples.
    """

    @lru_cache(maxsize=_KEPT)
    def features(rows: bytes) -> Features:
        return computed(make_network(np.frombuffer(rows, np.int64)), x)

    return lambda rows: features(rows.astype(np.int64).tobytes())
