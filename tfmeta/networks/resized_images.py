"""Images brought to the size that a network was trained on."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

_REACH = 2.0  # pixels on each side that a cubic looks at
_SHARPNESS = -0.5  # of Keys' cubic, as Pillow and TensorFlow have it


@keras.saving.register_keras_serializable("tfmeta")
class ResizedImages(keras.layers.Layer):
    """Images `(batch, height, width, channels)` as `(batch, size, size, channels)`.

    Bicubic (Keys 1981), as Pillow does it: where an image shrinks, the cubic is as much wider, so
    that fine patterns don't turn into coarse ones. A resize is linear in the rows and in the
    columns, so it is two products with constant matrices. These have right derivatives of any
    order, and kernels in every format that tfmeta exports to.

    Args:
        size: pixels of each side afterwards.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Works out the two matrices, which the shape alone decides."""
        _, height, width, _ = input_shape
        self._rows, self._columns = (cubic_weights(side, self.size) for side in (height, width))

    def call(self, images: Any) -> Any:
        """The images, resized."""
        _, height, width, channels = images.shape
        rows, columns = (ops.cast(each, images.dtype) for each in (self._rows, self._columns))
        x = ops.matmul(rows, ops.reshape(images, (-1, height, width * channels)))
        return ops.matmul(columns, ops.reshape(x, (-1, self.size, width, channels)))

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """With both sides replaced."""
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "size": self.size}


def cubic_weights(before: int, after: int) -> npt.NDArray[np.float64]:
    """What each pixel of a resized row takes of each pixel of the row, `(after, before)`."""
    scale = before / after
    stretch = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    # Pixels beyond the edge are left out, and the others' weights scaled up to a sum of one.
    distances = np.abs(centres[:, None] - (np.arange(before) + 0.5)) / stretch
    near = ((_SHARPNESS + 2) * distances - (_SHARPNESS + 3)) * distances**2 + 1
    far = ((distances - 5) * distances + 8) * distances * _SHARPNESS - 4 * _SHARPNESS
    weights = np.where(distances < 1, near, np.where(distances < _REACH, far, 0.0))
    return weights / weights.sum(1, keepdims=True)
