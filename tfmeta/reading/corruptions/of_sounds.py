"""What may be wrong with a sound: noise, and a level that falls.

A run keeps spectrograms, so they are changed as the sound's change would change them on average.
A gain for the whole sound changes none, because the loudest band of each is 0 dB.
"""

from typing import Any

import numpy as np

from tfmeta.reading.corruptions.corruption import Corruption


def sound_corruptions(
    bands: np.ndarray, *, range_db: float, centre: float, spread: float
) -> tuple[Corruption, ...]:
    """The corruptions of log-mel spectrograms `(frames, mels, 1)`; see `SoundFormat`.

    Args:
        bands: `(frequencies, mels)`, the weights of the mel bands.
        range_db, centre, spread: as in `SoundFormat`.
    """
    width = bands.sum(0)[:, np.newaxis]  # of each band, as white noise meets it

    def decibels(x: np.ndarray) -> np.ndarray:
        return x * spread + centre

    def restored(levels: np.ndarray) -> np.ndarray:
        levels = levels - levels.max((-3, -2, -1), keepdims=True)
        return ((np.maximum(levels, -range_db) - centre) / spread).astype(np.float32)

    def noise(x: np.ndarray, texts: Any, strength: float, rng: np.random.Generator) -> np.ndarray:
        """White noise: the power of each frame and band is the sum, as it is on average."""
        del texts
        power = 10 ** (decibels(x) / 10)
        total = power.mean(-3, keepdims=True).sum(-2, keepdims=True)  # of a frame, on average
        level = total / 10 ** (strength / 10) / width.sum()
        added = level * width * rng.exponential(size=x.shape)
        return restored(10 * np.log10(power + added))

    def fade(x: np.ndarray, texts: Any, strength: float, rng: np.random.Generator) -> np.ndarray:
        """The level falls evenly, as when a speaker turns away."""
        del texts, rng
        fall = np.linspace(0, strength, x.shape[-3])[:, np.newaxis, np.newaxis]
        return restored(decibels(x) - fall)

    return (
        Corruption("noise", (20, 15, 10, 5, 0), "dB of sound above noise", noise),
        Corruption("gain", (6, 12, 18, 24, 30), "dB that the level falls", fade),
    )
