"""From encoded images to what a network takes, the same in training, prediction and serving."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import (
    KEPT_WHOLE,
    Checked,
    each_prepared,
    within_request,
)
from tfmeta.reading.decoding.image_decoding import (
    decode_gif,
    decode_png,
    decode_stored,
    decode_stored_gif,
)
from tfmeta.reading.decoding.image_shapes import cropped, padded
from tfmeta.reading.decoding.image_sizes import GIF, JPEG, PNG, begins, checked_images
from tfmeta.reading.decoding.jpeg_segments import of_few_scans
from tfmeta.reading.decoding.orientation import upright
from tfmeta.reading.decoding.png_chunks import few_compressed
from tfmeta.reading.image_format import GROUNDS, ImageFormat

_HEAD_BYTES = 32

_LARGE = 2_000_000  # pixels; a larger image is decoded by itself
# The most pixels of an image on disk: above it, Pillow suspects an attack. The most bytes: 2 GB.
MOST_PIXELS, MOST_BYTES = 89_478_485, 2**31 - 1
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's "L" mode uses
# How far a pixel may be outside of [0, 1]: half a grey level of 255, because of rounding.
_BESIDE = 0.5 / 255


def decode(image_format: ImageFormat, encoded: tf.Tensor, *, name: str) -> Any:
    """See `ImageFormat.decode`."""
    return _decoded_one(_checked(encoded, name)[0], image_format, name, tf.constant(name))


def decode_all(image_format: ImageFormat, encoded: tf.Tensor, *, name: str) -> tf.Tensor:
    """See `ImageFormat.decode_all`."""
    return decode_checked(image_format, *_checked(encoded, name), name=name)


def decode_checked(
    image_format: ImageFormat, encoded: tf.Tensor, pixels: tf.Tensor, *, name: str
) -> tf.Tensor:
    """`decode_all` for the two tensors that `checked_images` returned."""
    # A constant inside the loop would make TensorFlow optimise the decoder anew for each call.
    name_tensor = tf.constant(name)
    return each_prepared(
        lambda each: _decoded_one(each[0], image_format, name, name_tensor),
        (tf.reshape(encoded, [-1]),),
        spec=tf.TensorSpec(image_format.shape, tf.uint8),
        are_large=pixels > _LARGE,
    )


def decode_plain(
    image_format: ImageFormat, encoded: tf.Tensor, *, is_of_its_size: bool, name: str = "image"
) -> tf.Tensor:
    """`decode_all` for PNG files that `plain_png.is_plain` knows, with fewer operations.

    Args:
        image_format: of the result; not `as_stored`.
        encoded: strings `(files,)`.
        is_of_its_size: whether each file has the width and height of the format, which is in
            colour. There is nothing to resize then.
        name: what the error's message calls the input.
    """

    def of_one(each: tuple[tf.Tensor, ...]) -> tf.Tensor:
        with tf.name_scope(name):
            image = tf.io.decode_png(each[0], channels=3)
            if is_of_its_size:
                return tf.ensure_shape(of_its_size(image_format, image), image_format.shape)
            return _fitted(image_format, tf.cast(image, tf.float32))

    encoded, pixels = _checked(encoded, name)
    spec = tf.TensorSpec(image_format.shape, tf.uint8)
    return each_prepared(of_one, (encoded,), spec=spec, are_large=pixels > _LARGE)


def within_limits(files: dict[str, tf.Tensor], limits: Mapping[str, int]) -> dict[str, Checked]:
    """See `InputFormat.within_limits`."""
    largest = {"most_pixels": limits["image_pixels"], "most_bytes": limits["image_bytes"]}
    return within_request(
        files,
        limits,
        noun="images",
        unit="pixels",
        checked=lambda value, name: checked_images(value, name=name, **largest),
    )


def fit(image_format: ImageFormat, levels: np.ndarray) -> np.ndarray:
    """See `ImageFormat.fit`."""
    if levels.shape[1:] == image_format.shape:  # nothing to resize
        return of_its_size(image_format, levels)

    def fitted(image: tf.Tensor) -> Any:
        image = tf.cast(image, tf.float32)
        colours = tf.tile(image, (1, 1, 3)) if image.shape[-1] == 1 else image
        return _fitted(image_format, colours)

    spec, images = tf.TensorSpec(image_format.shape, tf.uint8), tf.constant(levels)
    fit_all = tf.function(lambda x: tf.map_fn(fitted, x, fn_output_signature=spec), autograph=False)
    every: np.ndarray = fit_all.get_concrete_function(images)(images).numpy()
    return every


def of_its_size(image_format: ImageFormat, levels: Any) -> Any:
    """Grey levels of the format's size and channels, uint8, in this format."""
    return 255 - levels if image_format.invert else levels


def to_unit(examples: Any) -> Any:
    """uint8 pixels to float32 in [0, 1]; examples that are floats already pass unchanged."""
    # No division: graphs turn one by a constant into a product, whose last bit may differ.
    return tf.cast(examples, tf.float32) * (1 / 255) if examples.dtype == tf.uint8 else examples


def are_unit(x: tf.Tensor, name: str, encoded_name: str) -> Any:
    """An assertion that pixels are from 0 to 1."""
    inside = tf.reduce_all((x >= -_BESIDE) & (x <= 1 + _BESIDE))
    message = f"{name}: expected pixels from 0 to 1, received others; divide those of 0 to 255"
    return tf.debugging.Assert(inside, [f"{message} by 255, or send the files to {encoded_name}"])


def _decoded_one(
    encoded: tf.Tensor, image_format: ImageFormat, name: str, name_tensor: tf.Tensor
) -> tf.Tensor:
    # The message about a damaged file has the scope in it, because TensorFlow names the operation.
    with tf.name_scope(name):
        return _decoder(image_format)(encoded, name_tensor)


@cache
def _decoder(image_format: ImageFormat) -> Any:
    """Traced once per format, because that takes seconds, and a graph decodes at several places.

    If a server inlined the function at each of these places, its first request would take as long.
    """
    return tf.function(
        partial(_traceable, image_format),
        input_signature=[tf.TensorSpec((), tf.string)] * 2,
        autograph=False,
        experimental_attributes=KEPT_WHOLE,
    )


def _traceable(image_format: ImageFormat, encoded: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """`decode` for one image that `checked_images` returned; the name is a tensor."""
    head = _head(encoded)
    is_png, is_jpeg, is_gif = (begins(head, b) for b in (PNG, JPEG, GIF))
    encoded = _cheap(encoded, is_png=is_png, is_jpeg=is_jpeg, name=name)
    if image_format.as_stored:
        gif = partial(decode_stored_gif, encoded, name)
        image = tf.cond(is_gif, gif, partial(decode_stored, encoded))
    else:
        image = _seen(image_format, encoded, head, (is_png, is_jpeg, is_gif), name)
    image.set_shape((None, None, 3))
    return _fitted(image_format, image)


def _seen(
    image_format: ImageFormat,
    encoded: tf.Tensor,
    head: tf.Tensor,
    kinds: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    name: tf.Tensor,
) -> tf.Tensor:
    """What a person sees when a file is shown: float32 `(height, width, 3)`."""
    ground = GROUNDS[image_format.background]
    is_png, is_jpeg, is_gif = kinds

    def png() -> Any:
        deep = image_format.deep_range
        return decode_png(encoded, head, ground=ground, deep_range=deep, name=name)

    def others() -> tf.Tensor:
        gif = partial(decode_gif, encoded, ground=ground, name=name)
        return tf.cond(is_gif, gif, partial(decode_stored, encoded))

    image = tf.cond(is_png, png, others)
    image.set_shape((None, None, 3))
    return upright(image, encoded, is_jpeg=is_jpeg, is_png=is_png, name=name)


def _fitted(image_format: ImageFormat, image: tf.Tensor) -> tf.Tensor:
    """Grey levels, float32 `(any, any, 3)` -> uint8 in this format."""
    if image_format.channels == 1:
        image = tf.tensordot(image, tf.constant(_LUMA), 1)[..., tf.newaxis]
    image = tf.clip_by_value(tf.round(_resized(image_format, image)), 0.0, 255.0)
    levels = tf.cast(255.0 - image if image_format.invert else image, tf.uint8)
    return tf.ensure_shape(levels, image_format.shape)


def _resized(image_format: ImageFormat, image: tf.Tensor) -> tf.Tensor:
    """Float32 `(any, any, channels)` -> `(height, width, channels)`."""
    target = (image_format.height, image_format.width)
    if image_format.resize == "pad":
        return padded(image, *target, ground=GROUNDS[image_format.background])
    image = cropped(image, *target) if image_format.resize == "crop" else image
    return tf.image.resize(image, target, antialias=True)


def _head(encoded: tf.Tensor) -> tf.Tensor:
    """The first bytes of a file, followed by zeros if it is shorter."""
    return tf.strings.join([tf.strings.substr(encoded, 0, _HEAD_BYTES), b"\0" * _HEAD_BYTES])


def _checked(encoded: tf.Tensor, name: Any) -> Any:
    limits = {"most_pixels": MOST_PIXELS, "most_bytes": MOST_BYTES}
    return checked_images(encoded, name=name, **limits)


def _cheap(encoded: tf.Tensor, *, is_png: tf.Tensor, is_jpeg: tf.Tensor, name: Any) -> tf.Tensor:
    """The file, or an error if a decoder would read it thousands of times and not once."""

    def png() -> tf.Tensor:
        with tf.control_dependencies([few_compressed(encoded, name)]):
            return tf.identity(encoded)

    def others() -> tf.Tensor:
        return tf.cond(is_jpeg, lambda: of_few_scans(encoded, name), lambda: encoded)

    return tf.cond(is_png, png, others)
