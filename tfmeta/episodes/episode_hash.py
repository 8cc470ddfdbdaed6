"""A digest of episodes: the same digest means the same episodes, bit for bit."""

import hashlib
from typing import Any

import numpy as np


class EpisodeHash:
    """SHA-256 over tasks in their order; it is the same for any division into batches."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, episodes: Any) -> None:
        """Adds a batch, an Episode or PaddedEpisode of tensors `(tasks, ...)`."""
        for row in zip(*(np.asarray(tensor) for tensor in episodes), strict=True):
            for values in row:
                self._digest.update(np.ascontiguousarray(values).tobytes())

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
