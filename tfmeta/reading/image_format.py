"""How images are read: the one description that training, prediction and serving share."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.reading.array_pixels import DEFAULT_RANGE, png_files
from tfmeta.reading.example_parts import Box, ExampleParts, windows
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.image_reader import ImageReader
from tfmeta.reading.string_format import StringFormat

if TYPE_CHECKING:
    from tfmeta.reading.corruptions.corruption import Corruption
    from tfmeta.reading.origins import Origins
    from tfmeta.reading.prepared import Prepared

RESIZES = ("squash", "crop", "pad")
GROUNDS = {"white": 255.0, "black": 0.0}  # grey levels


@dataclass(frozen=True)
class ImageFormat(StringFormat):
    """The one definition of how a pipeline's images are read. See `InputFormat`.

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

    kind = "image"
    noun = "images"
    suffix = FORMATS["image"].suffix
    value_range = (0.0, 1.0)
    has_pictures = True
    required: ClassVar = {
        "height": typed.COUNT,
        "width": typed.COUNT,
        "channels": typed.COUNT,
        "invert": typed.TRUTH,
    }
    limits: ClassVar = FORMATS["image"].limits
    spoilt: ClassVar = {
        "empty": lambda file: b"",
        "cut short": lambda file: file[: len(file) // 2],
        "of no image": lambda file: b"no image at all, " + file,
        # The header says gigabytes. It has the same place in every PNG.
        "of 65,536 times 65,536 pixels": lambda file: file[:16] + b"\0\x01\0\0" * 2 + file[24:],
    }
    padding = png_files(np.zeros((1, 1, 1), np.uint8), DEFAULT_RANGE, "padding")[0]  # one pixel

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
        for name, known in (("background", tuple(GROUNDS)), ("resize", RESIZES)):
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
        image_format = cls(**{"as_stored": "background" not in fields, **fields})
        if not isinstance(image_format.as_stored, bool):
            raise ValueError(f"as_stored is {image_format.as_stored!r}; expected true or false")
        return image_format

    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        del input_shape
        self.refuse_values(target_size)
        return ImageReader(self.array_range)

    def prepared(self, examples: Any) -> "Prepared":
        from tfmeta.reading.prepared_images import PreparedImages

        return PreparedImages(examples)

    def compact(self, x: Any) -> Any:
        return np.rint(x * 255).astype(np.uint8)  # the inverse of `images.to_unit`

    def seen(self) -> list[tuple[str, str]]:
        colour = "1 channel (grey)" if self.channels == 1 else "3 channels (colour)"
        inverted = ", inverted: dark becomes bright" if self.invert else ""
        lines = [("for the network", f"{self.height} x {self.width} pixels, {colour}{inverted}")]
        if self.array_range != DEFAULT_RANGE:
            words = "{:g} becomes black, {:g} white".format(*self.array_range)
            lines.append(("numbers in the array", words))
        return lines

    def parts(self, encoded: Any, example: Any, background: Any) -> ExampleParts:
        """Windows of the picture; a place is named by its pixels, from 0 at the upper left."""
        del encoded

        def name(box: Box) -> str:
            return "rows {}-{}, columns {}-{}".format(*box)

        return windows(np.asarray(example), np.asarray(background), name)

    def corruptions(self) -> "tuple[Corruption, ...]":
        from tfmeta.reading.corruptions.of_images import image_corruptions

        return image_corruptions(invert=self.invert)

    # In a graph

    def decode(self, encoded: Any, *, name: str = "image") -> Any:
        """Decodes one PNG, JPEG, GIF (first frame) or BMP (without a palette).

        Args:
            encoded: scalar string tensor.
            name: what the error's message calls the input.

        Returns:
            uint8 `(height, width, channels)`, resized with antialiasing, inverted if `invert` says
            so.

        Raises:
            tf.errors.InvalidArgumentError: when the operation runs, if the bytes are no image or
                an image of more than `images.MOST_PIXELS`.
        """
        return _graph().decode(self, encoded, name=name)

    def decode_all(self, encoded: Any, *, name: str = "image") -> Any:
        """`decode` for any shape of strings: `(...)` -> uint8 `(..., height, width, channels)`."""
        return _graph().decode_all(self, encoded, name=name)

    def fit(self, levels: "np.ndarray") -> "np.ndarray":
        """Brings images in memory into this format, as `decode` does with files of the same pixels.

        Args:
            levels: uint8 `(images, any height, any width, 1 or 3)`.

        Returns:
            uint8 `(images, height, width, channels)`.
        """
        fitted: np.ndarray = _graph().fit(self, levels)
        return fitted

    def prepare(self, examples: Any, *, name: str = "image") -> Any:
        return _graph().to_unit(self.decode_all(examples, name=name))

    def within_limits(self, inputs: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
        return _graph().within_limits(inputs, limits)

    def prepare_checked(self, checked: Any, *, name: str) -> Any:
        return _graph().to_unit(_graph().decode_checked(self, *checked, name=name))

    def checks(self, x: Any, name: str) -> list[Any]:
        return [_graph().are_unit(x, name, name + self.suffix)]

    # For exports

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        pixels = rng.integers(0, 256, (*shape, *self.shape), dtype=np.uint8)
        encoded = np.empty(shape, object)
        flat = pixels.reshape(-1, *self.shape)
        encoded.reshape(-1)[:] = png_files(flat, DEFAULT_RANGE, "random images")
        return encoded

    def draw_prepared(self, rng: Any, shape: tuple[int, ...]) -> Any:
        return rng.random(shape).astype(np.float32)

    def limits_for(self, origins: "Origins") -> dict[str, int]:
        """As large as the largest image, and as many bytes per pixel as usual."""
        usual = {name: self.limits[name][0] for name in ("image_pixels", "image_bytes")}
        sizes = np.zeros((1, 2)) if origins.sizes is None else np.asarray(origins.sizes)
        most = int(sizes.astype(np.int64).prod(1).max(initial=0))
        if most <= usual["image_pixels"]:
            return {}
        bytes_per_pixel = usual["image_bytes"] / usual["image_pixels"]
        return {"image_pixels": most, "image_bytes": math.ceil(most * bytes_per_pixel)}

    def admitted_strings(self, encoded: list[bytes]) -> dict[str, int]:
        pixels = self.height * self.width if encoded else 0
        return {
            "image_pixels": pixels,
            "image_bytes": max(map(len, encoded), default=0),
            "request_images": len(encoded),
            "request_pixels": len(encoded) * pixels,
        }

    def shown(self) -> dict[str, Any]:
        return {self.suffix: {"b64": "..."}}

    def description(self) -> str:
        ink = "255 minus the pixel, over 255" if self.invert else "the pixel over 255"
        return (
            f"Images are {self.height}x{self.width}x{self.channels} floats in [0, 1] ({ink}). An "
            f"input that ends in `{self.suffix}` takes PNG, JPEG or GIF files of any size instead, "
            "one string per file."
        )

    @property
    def client_arguments(self) -> str:
        return "SUPPORT_DIR IMAGE..."


def _graph() -> Any:
    """The module of TensorFlow's operations."""
    from tfmeta.reading import images

    return images
