"""A `_bytes` variant of each signature of images: it takes files, and decodes them in the graph."""

import struct
import zlib

import tensorflow as tf

from tfmeta.exporting.contract import BYTES, EXAMPLES, SUPPORT_SIZE, SUPPORT_X, is_encoded
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.refusals import of_its_shape
from tfmeta.reading.decoding.image_sizes import at_most, checked_images
from tfmeta.reading.images import ImageFormat, to_unit


def with_bytes(
    functions: dict,
    image_format: ImageFormat | None,
    *,
    limits: RequestLimits | None = None,
    checked_first=dict,
) -> dict:
    """The functions, and for images a `NAME_bytes` of each that takes encoded ones.

    An image input `NAME` becomes `NAME_bytes`, a string for each image, decoded, resized and
    scaled in the graph by the code that read the training images.

    Args:
        functions: `{name: (function, input specs)}`.
        image_format: how images are read; None if the examples are none.
        limits: the most that a request may hold.
        checked_first: a variant's inputs -> the same once all is checked of them that can be
            before they are decoded.
    """
    if image_format is None:
        return functions
    every, limits = dict(functions), limits or RequestLimits()
    for name, (function, specs) in functions.items():
        decoding = _decoding(function, image_format, limits, checked_first)
        every[name + BYTES] = (decoding, _bytes_specs(specs))
    return every


def _bytes_specs(specs):
    def spec_of(name, spec):
        if name not in EXAMPLES:
            return name, spec
        return name + BYTES, tf.TensorSpec(spec.shape[:-3], tf.string, name + BYTES)

    return dict(spec_of(name, spec) for name, spec in specs.items())


def _decoding(function, image_format, limits, checked_first):
    def decode_and_call(**inputs):
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


def _within_limits(files, limits):
    """`{name: (encoded, pixels)}`, or such an error, before any file is decoded."""
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


def _without_padding(files, size):
    """Encoded images `(tasks, support)` whose padding is one pixel each: it is never looked at."""
    return tf.where(tf.sequence_mask(size, tf.shape(files)[1]), files, _one_pixel())


def _one_pixel():
    """A PNG of one black pixel."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
