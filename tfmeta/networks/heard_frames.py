"""What of a spectrogram is heard, and figures of the frames that are."""

from typing import Any

import numpy as np
import scipy.fft
from keras import ops


def heard_frames(x: Any, *, share: float) -> Any:
    """1 for frames that are heard and 0 for others: `(batch, frames, mels)` -> `(batch, frames)`.

    At least the loudest one is heard.

    Args:
        x: log-mels.
        share: of a sound's range from its loudest band down, within which a frame is heard.
    """
    loudness = ops.max(x, -1)
    highest = ops.max(loudness, 1, keepdims=True)
    lowest = ops.min(ops.min(x, -1), 1, keepdims=True)
    return ops.cast(loudness >= highest - share * (highest - lowest), x.dtype)


def cepstra_of(x: Any, coefficients: int) -> Any:
    """Cepstral coefficients of log-mels: `(batch, frames, mels)` -> `(..., coefficients)`.

    They are the cosine transform of a frame's log-mels (MFCCs; Davis and Mermelstein 1980). The
    first, the loudness, is left out.
    """
    cosines = scipy.fft.dct(np.eye(x.shape[-1]), axis=-1, norm="ortho")
    cosines = cosines[:, 1 : coefficients + 1].astype(np.float32)
    # No cosine sees how loud a frame is. Without that a silent one is 0, not a rounding error.
    level = ops.max(x, -1, keepdims=True)
    return ops.matmul(x - level, ops.cast(cosines, x.dtype))


def means_of_parts(frames: Any, is_heard: Any, parts: int) -> list[Any]:
    """The means in each of a number of parts, which divide the frames that are heard equally.

    So neither silence around a sound nor its speed counts. A part blends into the next one.

    Args:
        frames: `(batch, frames, coefficients)`.
        is_heard: as `heard_frames` returns it.
        parts: how many.
    """
    total = ops.sum(is_heard, 1, keepdims=True)
    place = (ops.cumsum(is_heard, 1) - 0.5 * is_heard) / total
    means = []
    for part in range(parts):
        away = ops.abs(place - (part + 0.5) / parts) * parts
        # A sound of fewer frames than parts may have none in this one: then all of it counts.
        means.append(mean_of(frames, is_heard * (ops.maximum(1.0 - away, 0.0) + 1e-3)))
    return means


def deviation_of(frames: Any, weights: Any) -> Any:
    """The weighted standard deviation over time, `(batch, coefficients)`."""
    mean = mean_of(frames, weights)
    return _root(mean_of(ops.square(frames - mean[:, None]), weights))


def mean_of(frames: Any, weights: Any) -> Any:
    """The weighted mean over time, `(batch, coefficients)`."""
    shares = weights / ops.sum(weights, 1, keepdims=True)
    return ops.sum(frames * shares[..., None], 1)


def _root(x: Any) -> Any:
    """The square root; the derivative at 0 is 0, and not infinite."""
    is_zero = ops.equal(x, 0.0)
    return ops.where(is_zero, x, ops.sqrt(ops.where(is_zero, ops.ones_like(x), x)))
