"""What a network makes of many examples, of which few are in memory at a time."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt

BATCH = 256
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
