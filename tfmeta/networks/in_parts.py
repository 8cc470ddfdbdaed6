"""What a network makes of many examples, of which few are in memory at a time."""

from collections.abc import Callable
from typing import Any

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


class FittedFeatures:
    """What a network makes of all examples that was fitted without the labels of some.

    Called with the numbers of these. A network is fitted once.

    Args:
        make_network: numbers of the examples whose labels may be seen -> the network.
        x: the examples.
    """

    def __init__(
        self, make_network: Callable[[npt.NDArray[np.intp]], keras.Model], x: Features
    ) -> None:
        self._make, self._x = make_network, x
        self._networks: dict[bytes, keras.Model] = {}

    def __call__(self, rows: Any) -> Features:
        return computed(self.network(rows), self._x)

    def network(self, rows: Any = ()) -> keras.Model:
        """The network that was fitted without the labels of some examples; by default, with all."""
        seen = np.setdiff1d(np.arange(len(self._x)), rows)
        key = seen.tobytes()
        if key not in self._networks:
            self._networks[key] = self._make(seen)
        return self._networks[key]
