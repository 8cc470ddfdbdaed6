"""What WAV files say of themselves, read in a TensorFlow graph; no sample is decoded.

A file of a hundred bytes may promise gigabytes of sound. So every number in the header is compared
with the file before any memory is reserved.
"""

from functools import cache
from typing import Any

import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import KEPT_WHOLE, at_most
from tfmeta.reading.wav_files import (
    EXTENSIBLE,
    EXTENSIBLE_BYTES,
    FASTEST,
    FIRST_CHUNK,
    FMT_BYTES,
    KINDS,
    MOST_CHUNKS,
    SLOWEST,
    SUBFORMAT,
)

HEADER = ("kind", "channels", "rate", "data_at", "data_size", "frames")  # the columns of a header


def checked_sounds(
    encoded: tf.Tensor, *, name: str, most_bytes: int, most_seconds: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Checks WAV files before any is decoded; an InvalidArgument error refuses them.

    Args:
        encoded: strings of any shape.
        name: of the input, for the error's message.
        most_bytes: that one file may have.
        most_seconds: that one sound may take.

    Returns:
        `(encoded, headers)`: the same strings, which must be used in place of the given ones, and
        int64 `(..., 6)`, the `HEADER` of each.
    """
    flat = tf.reshape(encoded, [-1])
    check = at_most(most_bytes, tf.strings.length(flat), f"{name}: a file's bytes", "sound_bytes")
    with tf.control_dependencies([check]):
        flat = tf.identity(flat)
    found = tf.map_fn(_walk(), flat, fn_output_signature=tf.TensorSpec((9,), tf.int64))
    headers = _agreeing(found, name)
    longest = seconds_of(headers)
    check = at_most(most_seconds, longest, f"{name}: a sound's seconds", "sound_seconds")
    with tf.control_dependencies([check]):
        shape = tf.shape(encoded)
        headers = tf.reshape(headers, tf.concat([shape, [len(HEADER)]], 0))
    return tf.reshape(flat, shape), headers


def seconds_of(headers: tf.Tensor) -> tf.Tensor:
    """How long sounds take, rounded up: `(..., 6)` -> int64 `(...)`."""
    rate, frames = headers[..., 2], headers[..., 5]
    return (frames + rate - 1) // tf.maximum(rate, 1)


def _agreeing(found: tf.Tensor, name: str) -> tf.Tensor:
    """The headers of what was found in files, int64 `(files, 6)`; numbers must fit the files."""
    is_wav, code, channels, rate, block, bits, data_at, data_size, size = tf.unstack(found, 9, 1)
    kinds = tf.stack([(code == each) & (bits == width) for each, width in KINDS], 1)
    there = size - data_at
    whole = (data_size > 0) & (data_size % tf.maximum(block, 1) == 0)
    checks = [
        (
            is_wav > 0,
            "the bytes of WAV files, with a format and samples, received others; convert FLAC, "
            "OGG, MP3 and the like to WAV before",
            (),
        ),
        (
            tf.reduce_any(kinds, 1),
            "WAV files of 8, 16, 24 or 32 bits or of floats of 32 or 64 bits; received the format "
            "and the bits",
            (code, bits),
        ),
        (
            (block == channels * bits // 8) & (channels > 0),
            "a WAV header whose numbers agree; received channels and bytes per frame",
            (channels, block),
        ),
        (
            (rate >= SLOWEST) & (rate <= FASTEST),
            f"{SLOWEST} to {FASTEST} samples per second; received",
            (rate,),
        ),
        (
            data_size <= there,
            "as many bytes of samples as the WAV header promises; received promised and there",
            (data_size, there),
        ),
        (
            whole,
            "whole frames of samples, at least one; received bytes, and bytes per frame",
            (data_size, block),
        ),
    ]
    before: list[Any] = []
    for holds, expected, values in checks:  # in order, because each makes sense of the next
        with tf.control_dependencies(before):
            first = tf.argmin(tf.cast(tf.concat([holds, [False]], 0), tf.int32))
            shown = [tf.concat([value, [0]], 0)[first] for value in values]
            data = [f"{name}: expected {expected}", *shown]
            before = [tf.debugging.Assert(tf.reduce_all(holds), data)]
    with tf.control_dependencies(before):
        frames = data_size // tf.maximum(block, 1)
        return tf.stack([tf.argmax(kinds, 1), channels, rate, data_at, data_size, frames], 1)


@cache
def _walk() -> Any:
    """A function of one file, traced once: what its chunks say, int64 `(9,)`."""

    def walk(content: tf.Tensor) -> tf.Tensor:
        size = tf.cast(tf.strings.length(content), tf.int64)

        def number(at: Any, length: int) -> tf.Tensor:
            at = tf.minimum(tf.cast(at, tf.int64), size)
            digits = tf.io.decode_raw(
                tf.strings.substr(content, at, length), tf.uint8, fixed_length=length
            )
            powers = tf.constant([256**n for n in range(length)], tf.int64)
            return tf.reduce_sum(tf.cast(digits, tf.int64) * powers)

        def is_at(at: Any, letters: bytes) -> tf.Tensor:
            at = tf.minimum(tf.cast(at, tf.int64), size)
            return tf.strings.substr(content, at, len(letters)) == letters

        def goes_on(at: tf.Tensor, fmt: tf.Tensor, data: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
            return (at + 8 <= size) & (data == 0) & (count < MOST_CHUNKS)

        def step(at: tf.Tensor, fmt: tf.Tensor, data: tf.Tensor, count: tf.Tensor) -> Any:
            length = number(at + 4, 4)
            fmt = tf.where((fmt == 0) & is_at(at, b"fmt "), at, fmt)
            data = tf.where(is_at(at, b"data"), at, data)
            return at + 8 + length + length % 2, fmt, data, count + 1

        zero = tf.zeros((), tf.int64)
        start = tf.constant(FIRST_CHUNK, tf.int64)
        _, fmt, data, _ = tf.while_loop(goes_on, step, (start, zero, zero, zero))
        length, fmt_at = number(fmt + 4, 4), fmt + 8
        code = number(fmt_at, 2)
        is_extensible = (
            (code == EXTENSIBLE) & (length >= EXTENSIBLE_BYTES) & is_at(fmt_at + 26, SUBFORMAT)
        )
        code = tf.where(is_extensible, number(fmt_at + 24, 2), code)
        is_wav = is_at(0, b"RIFF") & is_at(8, b"WAVE") & (fmt > 0) & (data > 0)
        is_wav &= (length >= FMT_BYTES) & (fmt_at + length <= data)
        channels, rate, block, bits = (
            number(fmt_at + at, width) for at, width in ((2, 2), (4, 4), (12, 2), (14, 2))
        )
        found = (code, channels, rate, block, bits, data + 8, number(data + 4, 4), size)
        return tf.stack([tf.cast(is_wav, tf.int64), *found])

    return tf.function(
        walk,
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
        experimental_attributes=KEPT_WHOLE,
    )
