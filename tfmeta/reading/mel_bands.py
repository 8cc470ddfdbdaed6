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


def bands_below(most: float, *, lowest: float, spacing: float) -> tuple[int, float]:
    """How many bands of equal width in mel there are, and where the last one ends, in Hz.

    Args:
        most: the frequency in Hz that none passes.
        lowest: where the first one begins, in Hz.
        spacing: from the middle of a band to that of the next one, in mel.

    Raises:
        ValueError: if there is no band.
    """
    number = int((_mel(most) - _mel(lowest)) / spacing + 1e-9) - 1 if spacing > 0 else 0
    if number < 1:
        raise ValueError(
            f"received spacing={spacing:g}; expected a number above 0 by which there is a band "
            f"between {lowest:g} and {most:g} Hz"
        )
    return number, min(float(_frequency(_mel(lowest) + (number + 1) * spacing)), most)


def mel_edges(mels: int, *, lowest: float, highest: float) -> np.ndarray:
    """The edges in Hz, `(mels + 2,)`: band n is from edge n to n + 2, and loudest at n + 1."""
    ends = np.linspace(_mel(lowest), _mel(highest), mels + 2)
    edges: np.ndarray = _frequency(ends)
    return edges


def _mel(frequency: Any) -> Any:
    return 2595 * np.log10(1 + frequency / 700)


def _frequency(mel: Any) -> Any:
    return 700 * (10 ** (mel / 2595) - 1)
