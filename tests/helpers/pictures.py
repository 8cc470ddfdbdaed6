"""Pictures in Pillow's modes, their files, and what Pillow and tfmeta make of those."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from tfmeta.reading.image_format import ImageFormat


def picture(mode, height=9, width=7, seed=0):
    """A picture with coarse colours of every kind, in one of Pillow's modes."""
    corners = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)
    if mode in ("LA", "RGBA"):
        image.putalpha(image.convert("L"))  # half transparent, in many steps
    return image.convert(mode)


def encoded(image, file_format, **options):
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def pillow_rgb(data):
    """What Pillow makes of it on white: int `(height, width, 3)`."""
    with Image.open(io.BytesIO(data)) as image:
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        shown = Image.alpha_composite(ground, image.convert("RGBA"))
        return np.asarray(shown.convert("RGB")).astype(int)


def decoded(data, height=9, width=7, **options):
    return ImageFormat(height, width, **options).decode(tf.constant(data)).numpy().astype(int)
