"""From encoded images to what a network takes, the same in training, prediction and serving."""

import math
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.reading.array_pixels import DEFAULT_RANGE
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

RESIZES = ("squash", "crop", "pad")
_GROUNDS = {"white": 255.0, "black": 0.0}  # grey levels

_HEAD_BYTES = 32

_LARGE = 2_000_000  # pixels; a larger image is decoded by itself
# The most pixels of an image on disk: above it, Pillow suspects an attack. The most bytes: 2 GB.
MOST_PIXELS, MOST_BYTES = 89_478_485, 2**31 - 1
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's "L" mode uses


@dataclass(frozen=True)
class ImageFormat:
    """The one definition of how a pipeline's images are read.

    Args:
        height: pixels.
        width: pixels.
        channels: 1 (grey) or 3 (colour).
        invert: True for dark ink on bright paper, because the network wants high values for ink.
        background: "white" or "black"; it shows where the image is transparent, and fills the
            padding.
        resize: what is done with an image of another shape: "squash" it, "crop" its sides off, or
            "pad" its sides.
        deep_range: the values that become 0 and 255 in files with 16 bits per channel.
        as_stored: True for the pixels as they are in the file. Opacity is left out, a camera's
            orientation is not applied, and of 16 bits the upper eight are taken. Runs from before
            `background` existed read images like this.
        array_range: the values that become 0 and 255 in arrays of numbers other than uint8.

    Raises:
        ValueError: if an argument has another value than these.
    """

    height: int
    width: int
    channels: int = 1
    invert: bool = False
    background: str = "white"
    resize: str = "squash"
    deep_range: tuple[int, int] = (0, 65535)
    as_stored: bool = False
    array_range: tuple[float, float] = DEFAULT_RANGE

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.channels not in (1, 3):
            raise ValueError(
                f"received an image format of {self.height}x{self.width}x{self.channels}; "
                "expected positive sizes and 1 or 3 channels"
            )
        for name, known in (("background", tuple(_GROUNDS)), ("resize", RESIZES)):
            if (value := getattr(self, name)) not in known:
                expected = ", ".join(map(repr, known))
                raise ValueError(f"received {name}={value!r}; expected one of {expected}")
        deep = self.deep_range
        is_pair = isinstance(deep, list | tuple) and len(deep) == 2
        if not is_pair or not all(isinstance(v, int) for v in deep) or not 0 <= deep[0] < deep[1]:
            raise ValueError(
                f"received deep_range={deep!r}; expected two whole numbers, [low, high], which "
                "become 0 and 255"
            )
        object.__setattr__(self, "deep_range", tuple(deep))  # it is a list if it comes from JSON
        low, high = self.array_range
        if not -math.inf < low < high < math.inf:
            raise ValueError(
                f"received array_range={self.array_range!r}; expected two numbers, [low, high], "
                "which become 0 and 255"
            )
        object.__setattr__(self, "array_range", (low, high))

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.height, self.width, self.channels)

    def to_dict(self) -> dict[str, Any]:
        fields = {**asdict(self), "deep_range": list(self.deep_range)}
        array_range = fields.pop("array_range")  # written only if it is not the default
        is_default = array_range == DEFAULT_RANGE
        return fields if is_default else {**fields, "array_range": list(array_range)}

    def pipeline_options(self) -> dict[str, Any]:
        """The options with which pipelines read images in this format; some know only a few."""
        return {
            "size": [self.height, self.width],
            "channels": self.channels,
            "deep_range": list(self.deep_range),
            "background": self.background,
            "resize": self.resize,
            "as_stored": self.as_stored,
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ImageFormat":
        """The format of a run or an export; without a `background` it reads files as stored."""
        return cls(**{"as_stored": "background" not in fields, **fields})

    def decode(self, encoded: tf.Tensor, *, name: str = "image") -> Any:
        """Decodes one PNG, JPEG, GIF (first frame) or BMP (without a palette).

        Args:
            encoded: scalar string tensor.
            name: what the error's message calls the input.

        Returns:
            uint8 `(height, width, channels)`, resized with antialiasing, inverted if `invert` says
            so.

        Raises:
            tf.errors.InvalidArgumentError: when the operation runs, if the bytes are no image or
                an image of more than `MOST_PIXELS`.
        """
        return _decoded_one(_checked(encoded, name)[0], self, name, tf.constant(name))

    def decode_all(self, encoded: tf.Tensor, *, name: str = "image") -> Any:
        """`decode` for any shape of strings: `(...)` -> uint8 `(..., height, width, channels)`."""
        return self.decode_checked(*_checked(encoded, name), name=name)

    def decode_checked(self, encoded: tf.Tensor, pixels: Any, *, name: str = "image") -> tf.Tensor:
        """`decode_all` for the two tensors that `checked_images` returned.

        Images as large as a camera's are decoded one after another, so that only one at a time
        takes memory.
        """
        # A constant inside the loop would make TensorFlow optimise the decoder anew for each call.
        name_tensor = tf.constant(name)

        def several(number: int | None) -> tf.Tensor:
            return tf.map_fn(
                lambda each: _decoded_one(each, self, name, name_tensor),
                tf.reshape(encoded, [-1]),
                fn_output_signature=tf.TensorSpec(self.shape, tf.uint8),
                parallel_iterations=number,
            )

        is_large = tf.reduce_any(pixels > _LARGE)
        flat = tf.cond(is_large, partial(several, 1), partial(several, None))  # by default 10
        flat.set_shape((None, *self.shape))
        return tf.reshape(flat, tf.concat([tf.shape(encoded), self.shape], 0))

    def traceable(self, encoded: tf.Tensor, name: Any) -> Any:
        """`decode` for one image that `checked_images` returned; the name is a tensor."""
        head = _head(encoded)
        is_png, is_jpeg, is_gif = (begins(head, b) for b in (PNG, JPEG, GIF))
        encoded = _cheap(encoded, is_png=is_png, is_jpeg=is_jpeg, name=name)
        if self.as_stored:
            gif = partial(decode_stored_gif, encoded, name)
            image = tf.cond(is_gif, gif, partial(decode_stored, encoded))
        else:
            kinds = {"is_png": is_png, "is_jpeg": is_jpeg, "is_gif": is_gif}
            image = self._seen(encoded, head, name=name, **kinds)
        image.set_shape((None, None, 3))
        return self._fitted(image)

    def _fitted(self, image: tf.Tensor) -> tf.Tensor:
        """Grey levels, float32 `(any, any, 3)` -> uint8 in this format."""
        if self.channels == 1:
            image = tf.tensordot(image, tf.constant(_LUMA), 1)[..., tf.newaxis]
        image = tf.clip_by_value(tf.round(self._resized(image)), 0.0, 255.0)
        return tf.ensure_shape(
            tf.cast(255.0 - image if self.invert else image, tf.uint8), self.shape
        )

    def fit(self, levels: np.ndarray) -> np.ndarray:
        """Brings images in memory into this format, as `decode` does with files of the same pixels.

        Args:
            levels: uint8 `(images, any height, any width, 1 or 3)`.

        Returns:
            uint8 `(images, height, width, channels)`.
        """
        if levels.shape[1:] == self.shape:  # nothing to resize
            return 255 - levels if self.invert else levels

        def fitted(image: tf.Tensor) -> Any:
            image = tf.cast(image, tf.float32)
            return self._fitted(tf.tile(image, (1, 1, 3)) if image.shape[-1] == 1 else image)

        spec = tf.TensorSpec(self.shape, tf.uint8)
        fit_all = tf.function(
            lambda images: tf.map_fn(fitted, images, fn_output_signature=spec), autograph=False
        )
        return fit_all(tf.constant(levels)).numpy()

    def _seen(
        self,
        encoded: tf.Tensor,
        head: Any,
        *,
        is_png: tf.Tensor,
        is_jpeg: tf.Tensor,
        is_gif: tf.Tensor,
        name: Any,
    ) -> Any:
        """What a person sees when a file is shown: float32 `(height, width, 3)`."""
        ground = _GROUNDS[self.background]

        def png() -> Any:
            deep = self.deep_range
            return decode_png(encoded, head, ground=ground, deep_range=deep, name=name)

        def others() -> tf.Tensor:
            gif = partial(decode_gif, encoded, ground=ground, name=name)
            return tf.cond(is_gif, gif, partial(decode_stored, encoded))

        image = tf.cond(is_png, png, others)
        image.set_shape((None, None, 3))
        return upright(image, encoded, is_jpeg=is_jpeg, is_png=is_png, name=name)

    def _resized(self, image: tf.Tensor) -> Any:
        """Float32 `(any, any, channels)` -> `(height, width, channels)`."""
        target = (self.height, self.width)
        if self.resize == "pad":
            return padded(image, *target, ground=_GROUNDS[self.background])
        image = cropped(image, *target) if self.resize == "crop" else image
        return tf.image.resize(image, target, antialias=True)


def _decoded_one(
    encoded: tf.Tensor, image_format: ImageFormat, name: str, name_tensor: tf.Tensor
) -> tf.Tensor:
    # The message about a damaged file has the scope in it, because TensorFlow names the operation.
    with tf.name_scope(name):
        return _decoder(image_format)(encoded, name_tensor)


@cache
def _decoder(image_format: ImageFormat) -> tf.Tensor:
    """Traced once per format, because that takes seconds, and a graph decodes at several places.

    If a server inlined the function at each of these places, its first request would take as long.
    """
    strings = [tf.TensorSpec((), tf.string)] * 2
    return tf.function(
        image_format.traceable,
        input_signature=strings,
        autograph=False,
        experimental_attributes={"_noinline": True},
    )


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


def to_unit(examples: Any) -> Any:
    """uint8 pixels to float32 in [0, 1]; examples that are floats already pass unchanged."""
    # No division: graphs turn one by a constant into a product, whose last bit may differ.
    return tf.cast(examples, tf.float32) * (1 / 255) if examples.dtype == tf.uint8 else examples
