"""Frequency bands as wide as people tell pitches apart. Imports no TensorFlow."""

from typing import Any

import numpy as np


def mel_weights(
    mels: int, fft_length: int, *, rate: int, lowest: float, highest: float
) -> np.ndarray:
    """The weights that make mel bands of a spectrum: float64 `(fft_length // 2 + 1, mels)`.

    Triangles of height 1 whose edges are equally far apart on the mel scale of O'Shaughnessy
    (1987), as in HTK.

    Args:
        mels: number of bands.
        fft_length: of the spectrum.
        rate: samples per second.
        lowest, highest: where the first band begins and the last one ends, in Hz.
    """
    edges = mel_edges(mels, lowest=lowest, highest=highest)
    below, middle, above = edges[:-2], edges[1:-1], edges[2:]
    bins = (np.arange(fft_length // 2 + 1) * rate / fft_length)[:, np.newaxis]
    rising, falling = (bins - below) / (middle - below), (above - bins) / (above - middle)
    return np.maximum(0.0, np.minimum(rising, falling))


def mel_edges(mels: int, *, lowest: float, highest: float) -> np.ndarray:
    """The edges in Hz, `(mels + 2,)`: band n is from edge n to n + 2, and loudest at n + 1."""
    ends = np.linspace(_mel(lowest), _mel(highest), mels + 2)
    return 700 * (10 ** (ends / 2595) - 1)


def _mel(frequency: Any) -> Any:
    return 2595 * np.log10(1 + frequency / 700)
