"""A `_bytes` variant of each signature that takes images: files are decoded in the graph."""

import struct
import zlib
from collections.abc import Callable

import tensorflow as tf

from tfmeta.exporting.contract import BYTES, EXAMPLES, SUPPORT_SIZE, SUPPORT_X, is_encoded
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.refusals import of_its_shape
from tfmeta.exporting.writing.served_functions import Functions, Specs, Tensors
from tfmeta.reading.decoding.image_sizes import at_most, checked_images
from tfmeta.reading.images import ImageFormat, to_unit


def with_bytes(
    functions: Functions,
    image_format: ImageFormat | None,
    *,
    limits: RequestLimits | None = None,
    checked_first: Callable[[Tensors], Tensors] = dict,
) -> Functions:
    """The functions, and for images also a variant `NAME_bytes` of each that takes image files.

    An input `NAME` of images becomes `NAME_bytes`, one string per image. They are decoded, resized
    and scaled in the graph, by the code that read the training images.

    Args:
        functions: `{name: (function, input specs)}`.
        image_format: how images are read; None if the examples are no images.
        limits: the most that a request may hold.
        checked_first: returns the inputs of a variant after all checks that need no decoding.
    """
    if image_format is None:
        return functions
    every, limits = dict(functions), limits or RequestLimits()
    for name, (function, specs) in functions.items():
        decoding = _decoding(function, image_format, limits, checked_first)
        every[name + BYTES] = (decoding, _bytes_specs(specs))
    return every


def _bytes_specs(specs: Specs) -> Specs:
    def spec_of(name: str, spec: tf.TensorSpec) -> tuple[str, tf.TensorSpec]:
        if name not in EXAMPLES:
            return name, spec
        return name + BYTES, tf.TensorSpec(spec.shape[:-3], tf.string, name + BYTES)

    return dict(spec_of(name, spec) for name, spec in specs.items())


def _decoding(
    function: Callable[..., Tensors],
    image_format: ImageFormat,
    limits: RequestLimits,
    checked_first: Callable[[Tensors], Tensors],
) -> Callable[..., Tensors]:
    def decode_and_call(**inputs: tf.Tensor) -> Tensors:
        shaped = {n: of_its_shape(v, n) if is_encoded(n) else v for n, v in inputs.items()}
        inputs = checked_first(shaped)
        files = {name: value for name, value in inputs.items() if is_encoded(name)}
        if SUPPORT_SIZE in inputs:
            support = SUPPORT_X + BYTES
            files[support] = _without_padding(files[support], inputs[SUPPORT_SIZE])
        decoded = {name: value for name, value in inputs.items() if name not in files}
        for name, (encoded, pixels) in _within_limits(files, limits).items():
            images = image_format.decode_checked(encoded, pixels, name=name)
            decoded[name.removesuffix(BYTES)] = to_unit(images)
        return function(**decoded)

    return decode_and_call


def _within_limits(files: Tensors, limits: RequestLimits) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """`{name: (encoded, pixels)}`, or an error before any file is decoded."""
    names, number = " and ".join(files), sum(map(tf.size, files.values()))
    most = limits.request_images
    with tf.control_dependencies([at_most(most, number, f"{names}: images", "request_images")]):
        files = {name: tf.identity(value) for name, value in files.items()}
    checked = {
        name: checked_images(
            value, name=name, most_pixels=limits.image_pixels, most_bytes=limits.image_bytes
        )
        for name, value in files.items()
    }
    total = sum(tf.reduce_sum(pixels) for _, pixels in checked.values())
    most = limits.request_pixels
    with tf.control_dependencies([at_most(most, total, f"{names}: pixels", "request_pixels")]):
        return {name: (tf.identity(encoded), pixels) for name, (encoded, pixels) in checked.items()}


def _without_padding(files: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Encoded images `(tasks, support)` with images of one pixel as padding, cheap to decode."""
    return tf.where(tf.sequence_mask(size, tf.shape(files)[1]), files, _one_pixel())


def _one_pixel() -> bytes:
    """A PNG of one black pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
