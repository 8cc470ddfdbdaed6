"""Images after they have been prepared."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.reading.images import to_unit
from tfmeta.reading.prepared import Prepared

_SMALL = 32  # pixels of a side; more cost much and tell a distance between pixels nothing


class PreparedImages(Prepared):
    """Images `(height, width, channels)`; an image whose pixels are all equal is blank."""

    noun = "images"
    blank_words = "have one and the same value in every pixel once they are prepared"

    def is_blank(self, chunk: np.ndarray) -> np.ndarray:
        flat = chunk.reshape(len(chunk), -1, chunk.shape[-1])
        return (flat == flat[:, :1]).all((1, 2))

    def facts(self) -> dict[str, Any]:
        constant = sum(int(self.is_blank(chunk).sum()) for chunk in self.chunks())
        return {"prepared_images": {"constant": constant, "images": len(self._examples)}}

    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        facts = facts["prepared_images"]
        return [("images of one colour", f"{facts['constant']:,} of {facts['images']:,}")]

    def warnings(self, facts: dict[str, Any]) -> list[str]:
        facts = facts["prepared_images"]
        if not facts["constant"]:
            return []
        return [
            f"images of which every pixel is alike once they are prepared: {facts['constant']:,} "
            f"of {facts['images']:,}; nothing can be seen in them. Look at the contact sheet"
        ]

    def for_baselines(self, rows: np.ndarray) -> tuple[np.ndarray, Prepared] | None:
        """Images of more than 32 pixels of a side, averaged down to 32 x 32."""
        if max(self._examples.shape[1:3]) <= _SMALL:
            return None
        size = (_SMALL, _SMALL)
        shrunk = [tf.image.resize(to_unit(x), size, "area").numpy() for x in self.chunks(rows)]
        examples = np.concatenate(shrunk)
        return examples, PreparedImages(examples)

    def vectors(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1).astype(np.float64)
