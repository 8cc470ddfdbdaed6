"""Figures of a sound that need no training: its spectrum in each part, and how it changes."""

from typing import Any

import keras
from keras import layers, ops

from tfmeta.networks.heard_frames import (
    cepstra_of,
    deviation_of,
    heard_frames,
    mean_of,
    means_of_parts,
)

_COEFFICIENTS, _OF_PARTS, _PARTS = 20, 12, 4


@keras.saving.register_keras_serializable("tfmeta")
class SoundStatistics(layers.Layer):
    """92 or 112 figures of a sound, fewer of one with less than 21 bands, in this order:

    the means of 12 cepstral coefficients in each of four parts of it, the deviations of 20 of them
    over time and those of their changes, the share of the frames that are heard, and the deviations
    of the loudness in all frames, in those that are heard, and of its changes; and the means of the
    20 in the whole of it, if they are wanted. Words differ in their parts; a bell, a dog and an
    engine differ in how they go on, and voices in the whole.

    Args:
        share: see `heard_frames`.
        of_whole: whether the means of the whole are wanted.
        **options: of a Keras layer.
    """

    def __init__(self, share: float, *, of_whole: bool = False, **options: Any):
        super().__init__(**options)
        self.share, self.of_whole = share, of_whole

    def call(self, x: Any) -> Any:
        """Log-mels `(batch, frames, mels, 1)` -> `(batch, 92)` or `(batch, 112)`."""
        x = x[..., 0]
        is_heard = heard_frames(x, share=self.share)
        frames, loudness = cepstra_of(x, _COEFFICIENTS), ops.mean(x, -1, keepdims=True)
        return ops.concatenate(
            [
                *means_of_parts(frames[..., :_OF_PARTS], is_heard, _PARTS),
                deviation_of(frames, is_heard),
                deviation_of(_changes(frames), is_heard),
                ops.mean(is_heard, 1, keepdims=True),
                deviation_of(loudness, ops.ones_like(is_heard)),
                deviation_of(loudness, is_heard),
                deviation_of(_changes(loudness), is_heard),
                *([mean_of(frames, is_heard)] if self.of_whole else []),
            ],
            -1,
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        coefficients = min(_COEFFICIENTS, input_shape[2] - 1)
        of_all = (3 if self.of_whole else 2) * coefficients
        return (input_shape[0], _PARTS * min(_OF_PARTS, coefficients) + of_all + 4)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share, "of_whole": self.of_whole}


def _changes(frames: Any) -> Any:
    """The slopes of the lines through five frames each: the same shape, 0 at the ends.

    Furui 1986, https://doi.org/10.1109/TASSP.1986.1164788.
    """
    number = frames.shape[1]
    if number < 5:
        return ops.zeros_like(frames)

    def moved(by: int) -> Any:
        return frames[:, 2 + by : number - 2 + by]

    slopes = (moved(1) - moved(-1) + 2 * (moved(2) - moved(-2))) / 10
    return ops.pad(slopes, ((0, 0), (2, 2), (0, 0)))
