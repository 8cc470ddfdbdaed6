"""Images in arrays -> what a network takes, the same as from image files."""

from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.reading.array_pixels import grey_levels, range_of, with_channels
from tfmeta.reading.image_files import are_bright
from tfmeta.reading.image_format import ImageFormat

_SAMPLE = 200  # images that are examined for a bright background


def format_of(x: np.ndarray, what: str, **options: Any) -> ImageFormat:
    """The format of images in an array; what the options leave open is found in the images.

    Args:
        x: `(images, height, width)` or `(images, height, width, 1 or 3)`.
        what: the array's name, for error messages.
        **options: `size`, pixels of a side or `[height, width]`; `channels`, 1 or 3; `invert`,
            whether to turn dark into bright; `resize`, see `ImageFormat`; `value_range`, the
            numbers that become 0 and 255. For an option that is None or left out, the size, the
            channels and the range are those of the array (see `array_pixels.range_of`), and grey
            images on a bright background are inverted.

    Raises:
        UserError: if the array has another shape, or an option makes no sense.
    """
    x = with_channels(x, what)
    given = {name: value for name, value in options.items() if value is not None}
    size = given.get("size", list(x.shape[1:3]))
    try:
        height, width = size if isinstance(size, list | tuple) else (size, size)
        fields = {
            "height": height,
            "width": width,
            "channels": given.get("channels", x.shape[3]),
            "resize": given.get("resize", "squash"),
            "array_range": given.get("value_range") or range_of(x),
        }
        image_format = ImageFormat(**fields)
    except (TypeError, ValueError) as error:
        raise UserError(f"cannot read the images with these options: {error}") from error
    invert = given.get("invert")
    if invert is None:
        sample = x[np.linspace(0, len(x) - 1, _SAMPLE).astype(int)]
        invert = image_format.channels == 1 and are_bright(fitted(sample, image_format, what))
    return ImageFormat(**fields, invert=bool(invert))


def fitted(x: np.ndarray, image_format: ImageFormat, what: str) -> np.ndarray:
    """Images in an array as uint8 `(images, height, width, channels)`.

    Args:
        x: `(images, any height, any width)` or `(images, any height, any width, 1 or 3)`: uint8,
            or numbers in the format's `array_range`.
        image_format: of the result.
        what: the array's name, for error messages.

    Raises:
        UserError: if the array has another shape, or a number is outside the range.
    """
    return image_format.fit(grey_levels(with_channels(x, what), image_format.array_range, what))
