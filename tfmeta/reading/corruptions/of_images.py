"""What may be wrong with a picture: noise, blur, brightness, JPEG and rotation.

All but rotation are of Hendrycks and Dietterich 2019 (https://arxiv.org/abs/1903.12261), with the
strengths of their ImageNet-C; a blur is there in pixels of 224, and here in shares of the side.
Rotation is not among theirs; its strengths are ours.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from tfmeta.reading.corruptions.corruption import Change, Corruption

_SIDE = 224  # pixels of a picture in ImageNet-C


def image_corruptions(*, invert: bool) -> tuple[Corruption, ...]:
    """The corruptions of pictures `(height, width, 1 or 3)` from 0 to 1.

    Args:
        invert: whether the pictures were inverted when they were read; they are corrupted as they
            were before.
    """

    def of_picture(change: Callable[..., np.ndarray]) -> Change:
        def changed(x: np.ndarray, texts: Any, strength: float, rng: Any) -> np.ndarray:
            del texts
            before = 1 - x if invert else x
            after = np.stack([change(each, strength, rng) for each in before])
            after = np.clip(after, 0, 1).astype(np.float32)
            return 1 - after if invert else after

        return changed

    return (
        Corruption("noise", (0.08, 0.12, 0.18, 0.26, 0.38), "deviation", of_picture(_noise)),
        Corruption("blur", (1, 2, 3, 4, 6), "deviation in 224ths of the side", of_picture(_blur)),
        Corruption("brightness", (0.1, 0.2, 0.3, 0.4, 0.5), "added", of_picture(_brightness)),
        Corruption("jpeg", (25, 18, 15, 10, 7), "quality", of_picture(_jpeg)),
        Corruption("rotation", (5, 10, 15, 20, 30), "degrees, either way", of_picture(_rotation)),
    )


def _noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return picture + rng.normal(scale=strength, size=picture.shape)


def _blur(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    height, width, _ = picture.shape
    sigmas = (strength * height / _SIDE, strength * width / _SIDE, 0)
    return np.asarray(ndimage.gaussian_filter(picture, sigmas, mode="nearest"))


def _brightness(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Adds to the value of HSV, and leaves hue and saturation."""
    del rng
    value = picture.max(-1, keepdims=True)
    brighter = np.minimum(value + strength, 1.0)
    grey = np.broadcast_to(brighter, picture.shape)
    is_black = value < 1e-6  # of no hue
    return np.where(is_black, grey, picture * (brighter / np.where(is_black, 1, value)))


def _jpeg(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    pixels = np.uint8(np.round(picture * 255))
    file = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(file, "JPEG", quality=int(strength))
    with Image.open(file, formats=("JPEG",)) as read:
        return np.asarray(read, np.float32).reshape(picture.shape) / 255


def _rotation(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """To the left or to the right, with the edge repeated where nothing was."""
    angle = strength * (1 if rng.integers(2) else -1)
    options: dict[str, Any] = {"reshape": False, "order": 1, "mode": "nearest"}
    return np.asarray(ndimage.rotate(picture, angle, axes=(0, 1), **options))
