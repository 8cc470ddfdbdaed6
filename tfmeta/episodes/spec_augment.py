"""An augmentation of spectrograms: bands of time and of frequency are left out."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfmeta")
class SpecAugment(keras.layers.Layer):
    """Sets random stretches of time and bands of frequency to zero, the mean of all training.

    SpecAugment without warping (Park et al. 2019, https://arxiv.org/abs/1904.08779, section 2).

    Args:
        time: the largest share of the frames that one mask covers.
        frequency: the largest share of the bands that one mask covers.
        masks: how many of each kind.
        **options: of a Keras layer.

    Raises:
        ValueError: if a share is not from 0 to 1, or there is no mask.
    """

    def __init__(self, time: float = 0.2, frequency: float = 0.2, masks: int = 1, **options: Any):
        super().__init__(**options)
        if not (0 <= time <= 1 and 0 <= frequency <= 1 and masks >= 1):
            raise ValueError(
                f"received time={time}, frequency={frequency} and masks={masks}; expected shares "
                "from 0 to 1, and one mask or more"
            )
        self.time, self.frequency, self.masks = time, frequency, masks
        self.draws = keras.random.SeedGenerator()

    def call(self, x: Any, training: bool = False) -> Any:
        """Spectrograms `(batch, frames, mels, 1)` -> the same shape."""
        if not training:
            return x
        for _ in range(self.masks):
            x = x * self._kept(x, 1, self.time) * self._kept(x, 2, self.frequency)
        return x

    def _kept(self, x: Any, axis: int, share: float) -> Any:
        """0 where a mask lies along an axis, and 1 elsewhere."""
        length = x.shape[axis]
        shape = (ops.shape(x)[0], 1)
        width = share * length * keras.random.uniform(shape, seed=self.draws)
        begin = (length - width) * keras.random.uniform(shape, seed=self.draws)
        places = ops.arange(length, dtype=width.dtype)
        is_masked = (places >= begin) & (places < begin + width)
        kept = ops.cast(~is_masked, x.dtype)
        return kept[:, :, None, None] if axis == 1 else kept[:, None, :, None]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
