"""From encoded images to what a network takes, the same in training, prediction and serving."""

from dataclasses import asdict, dataclass
from functools import partial

import tensorflow as tf

from tfmeta.image_decoding import decode_gif, decode_png
from tfmeta.image_shapes import cropped, padded
from tfmeta.orientation import upright

RESIZES = ("squash", "crop", "pad")
_GROUNDS = {"white": 255.0, "black": 0.0}  # grey levels

# How files of each kind begin. Of BMP only true colour: TensorFlow misreads those with a palette.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
_BMP_BEGINNING, _BMP_BITS_AT, _BMP_TRUE_COLOUR = b"BM", 28, (b"\x18\x00", b"\x20\x00")
_HEAD_BYTES = 32

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's "L" mode uses


@dataclass(frozen=True)
class ImageFormat:
    """The one definition of how a pipeline's images are read.

    Args:
        height: pixels.
        width: pixels.
        channels: 1 (grey) or 3 (colour).
        invert: True where ink is dark on paper and the network wants ink high.
        background: "white" or "black": shows through what is transparent, and fills up what is
            padded.
        resize: how an image of another shape gets this one: "squash" it, "crop" its sides off, or
            "pad" them.
        deep_range: of files of 16 bits, the values that become 0 and 255.
        as_stored: True for the pixels as they are in the file: opacity left out, a camera's
            orientation not applied, and of 16 bits the upper eight. So did runs before there was
            `background`.

    Raises:
        ValueError: if one of them is none of these.
    """

    height: int
    width: int
    channels: int = 1
    invert: bool = False
    background: str = "white"
    resize: str = "squash"
    deep_range: tuple[int, int] = (0, 65535)
    as_stored: bool = False

    def __post_init__(self):
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
        object.__setattr__(self, "deep_range", tuple(deep))  # JSON makes it a list

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.height, self.width, self.channels)

    def to_dict(self) -> dict:
        return {**asdict(self), "deep_range": list(self.deep_range)}

    @classmethod
    def from_dict(cls, fields: dict) -> "ImageFormat":
        """Of a run or an export; without a `background`, it is one that reads files as stored."""
        return cls(**{"as_stored": "background" not in fields, **fields})

    def decode(self, encoded, *, name="image"):
        """Decodes one PNG, JPEG, GIF (first frame) or BMP (without a palette).

        Args:
            encoded: scalar string tensor.
            name: of the input, for the error's message.

        Returns:
            uint8 `(height, width, channels)`: resized with antialiasing, ink high.

        Raises:
            tf.errors.InvalidArgumentError: when run on bytes that are no image.
        """
        # The scope is in the message of what is no whole file: TensorFlow names the operation.
        with tf.name_scope(name), tf.control_dependencies([_is_image(encoded, name)]):
            encoded = tf.identity(encoded)
            image = self._stored(encoded) if self.as_stored else self._seen(encoded)
        image.set_shape((None, None, 3))
        if self.channels == 1:
            image = tf.tensordot(image, tf.constant(_LUMA), 1)[..., tf.newaxis]
        image = tf.clip_by_value(tf.round(self._resized(image)), 0.0, 255.0)
        return tf.ensure_shape(
            tf.cast(255.0 - image if self.invert else image, tf.uint8), self.shape
        )

    def _stored(self, encoded):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        return tf.cast(image, tf.float32)

    def _seen(self, encoded):
        """What a person sees of a file: float32 `(height, width, 3)`."""
        head = _head(encoded)
        is_png, is_jpeg, is_gif = (tf.strings.substr(head, 0, len(b)) == b for b in _BEGINNINGS)
        ground = _GROUNDS[self.background]

        def png():
            return decode_png(encoded, head, ground=ground, deep_range=self.deep_range)

        def others():
            gif = partial(decode_gif, encoded, ground=ground)
            return tf.cond(is_gif, gif, partial(self._stored, encoded))

        image = tf.cond(is_png, png, others)
        image.set_shape((None, None, 3))
        return upright(image, encoded, is_jpeg=is_jpeg, is_png=is_png)

    def _resized(self, image):
        """Float32 `(any, any, channels)` -> `(height, width, channels)`."""
        target = (self.height, self.width)
        if self.resize == "pad":
            return padded(image, *target, ground=_GROUNDS[self.background])
        image = cropped(image, *target) if self.resize == "crop" else image
        return tf.image.resize(image, target, antialias=True)

    def decode_all(self, encoded, *, name="image"):
        """`decode` for any shape of strings: `(...)` -> uint8 `(..., height, width, channels)`."""
        flat = tf.map_fn(
            lambda each: self.decode(each, name=name),
            tf.reshape(encoded, [-1]),
            fn_output_signature=tf.TensorSpec(self.shape, tf.uint8),
        )
        return tf.reshape(flat, tf.concat([tf.shape(encoded), self.shape], 0))


def _head(encoded):
    """How a file begins, with zeros where it is shorter."""
    return tf.strings.join([tf.strings.substr(encoded, 0, _HEAD_BYTES), b"\0" * _HEAD_BYTES])


def _is_image(encoded, name):
    """An assertion that the bytes begin as an image file does."""
    head = _head(encoded)

    def holds(at, bytes_):
        return tf.strings.substr(head, at, len(bytes_)) == bytes_

    true_colour = [holds(_BMP_BITS_AT, bits) for bits in _BMP_TRUE_COLOUR]
    known = [holds(0, beginning) for beginning in _BEGINNINGS]
    known.append(holds(0, _BMP_BEGINNING) & tf.reduce_any(true_colour))
    return tf.debugging.Assert(
        tf.reduce_any(known),
        [
            f"{name}: expected the bytes of PNG, JPEG, GIF or true-colour BMP files, received "
            "others; convert WebP, TIFF and the like to PNG before"
        ],
    )


def to_unit(examples):
    """uint8 pixels to float32 in [0, 1]; examples that are floats already pass unchanged."""
    # A product, because graphs turn a division by a constant into one, with another last bit.
    return tf.cast(examples, tf.float32) * (1 / 255) if examples.dtype == tf.uint8 else examples
