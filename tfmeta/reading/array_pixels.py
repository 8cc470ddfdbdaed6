"""Arrays of images: recognises them, and turns their numbers into grey levels or PNG files.

Imports no TensorFlow.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from tfmeta.errors import UserError

DEFAULT_RANGE = (0.0, 1.0)  # the numbers that become 0 and 255
_LEAST_SIDE = 8  # pixels; scikit-learn's digits have 8
_CHANNELS = (1, 3)
_MOST_CHANNELS = 4  # of files of images
_DARKEST, _WHITE = 127.0, 255.0  # whole numbers above the first, up to the second, are bytes
_SHAPES = "(images, height, width) or (images, height, width, 1 or 3)"


def look_like_images(x: np.ndarray) -> bool:
    """Whether an array holds images, by its shape and its numbers.

    Two things must hold. The shape is that of images with 8 or more pixels on each side. The
    numbers are such as pixels are stored as: uint8, truth values, numbers from 0 to 1, or whole
    numbers from 0 up.
    """
    if not _has_shape_of_images(x) or min(x.shape[1:3]) < _LEAST_SIDE or not x.size:
        return False
    if x.dtype in (np.uint8, np.bool_):
        return True
    if x.dtype.kind not in "iuf" or not np.isfinite(x).all() or x.min() < 0:
        return False
    return bool(x.max() <= 1 or (x == np.rint(x)).all())


def why_no_images(x: np.ndarray) -> str | None:
    """What to do if an array of numbers were images after all; None if its shape is of no images.

    Args:
        x: that `look_like_images` does not take.
    """
    if x.ndim != 4 or min(x.shape[1:3]) < _LEAST_SIDE:
        return None
    if x.shape[-1] in _CHANNELS:
        return (
            "images have uint8, numbers from 0 to 1 or whole ones. If they are images: "
            "--set pipeline.images=true"
        )
    if x.shape[-1] > _MOST_CHANNELS:
        return None
    return "images have 1 or 3 channels. If they are images, leave the other channels out"


def check_channels_last(x: np.ndarray, what: str) -> None:
    """Raises UserError for images whose channels come before their height and width."""
    if x.ndim == 4 and x.shape[1] in _CHANNELS and x.shape[-1] not in _CHANNELS:
        raise UserError(
            f"{what} has shape {x.shape}, with channels before height and width; expected "
            f"{_SHAPES}. Save x.transpose(0, 2, 3, 1) instead. If these are no images: --set "
            "pipeline.images=false"
        )


def with_channels(x: np.ndarray, what: str) -> np.ndarray:
    """Images `(images, height, width, channels)`; raises UserError for other shapes."""
    check_channels_last(x, what)
    is_one = x.ndim == 2 or _is_one_in_colour(x)
    if is_one or not _has_shape_of_images(x):
        one = ". One image is x[None]" if is_one else ""
        raise UserError(f"{what} has shape {x.shape}; expected images, {_SHAPES}{one}")
    return x if x.ndim == 4 else x[..., np.newaxis]


def _is_one_in_colour(x: np.ndarray) -> bool:
    """Whether an array has the shape of one image, and not of as many as it has rows."""
    return x.ndim == 3 and x.shape[-1] in _CHANNELS and min(x.shape[:2]) >= _LEAST_SIDE


def range_of(x: np.ndarray) -> tuple[float, float]:
    """The numbers that become 0 and 255, found by looking at all of them.

    They are 0 and 1 if all numbers lie between these, 0 and 255 if they are whole and some are
    above 127, else the smallest and the largest number.
    Arrays of uint8 need no range, and get 0 and 1.
    """
    if x.dtype in (np.uint8, np.bool_):
        return DEFAULT_RANGE
    low, high = float(x.min()), float(x.max())
    if low >= 0 and high <= 1:
        return DEFAULT_RANGE
    if low >= 0 and _DARKEST < high <= _WHITE and (x == np.rint(x)).all():
        return 0.0, _WHITE  # the numbers of uint8
    return low, high if high > low else low + 1


def grey_levels(x: np.ndarray, value_range: Sequence[float], what: str) -> np.ndarray:
    """Numbers as uint8 grey levels; an array of uint8 is returned unchanged.

    Args:
        x: `(images, ...)`.
        value_range: the numbers that become 0 and 255.
        what: the array's name, for error messages.

    Raises:
        UserError: if the array holds something other than numbers, or a number outside the range.
    """
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "biuf":
        raise UserError(f"{what} holds {x.dtype}; expected numbers")
    low, high = value_range
    levels = np.rint((x.astype(np.float64) - low) * (255 / (high - low)))
    bad = np.argwhere(~((levels >= 0) & (levels <= 255)))  # NaN fails both comparisons
    if len(bad):
        first = tuple(bad[0].tolist())
        raise UserError(
            f"{what} holds {x[first]} in image {first[0] + 1}; expected uint8, or numbers from "
            f"{low:g} to {high:g}"
        )
    return levels.astype(np.uint8)


def png_files(x: np.ndarray, value_range: Sequence[float], what: str) -> list[bytes]:
    """Each image as the content of a PNG file with the same pixels.

    Args:
        x: `(images, height, width)` or `(images, height, width, 1 or 3)`.
        value_range, what: see `grey_levels`.
    """
    return [_png(each) for each in grey_levels(with_channels(x, what), value_range, what)]


def _png(levels: np.ndarray) -> Any:
    buffer = io.BytesIO()
    picture = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _has_shape_of_images(x: np.ndarray) -> bool:
    return x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in _CHANNELS)
