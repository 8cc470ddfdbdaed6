"""The chunks of a PNG file, found in a TensorFlow graph."""

from typing import Any

import tensorflow as tf

from tfmeta.file_bytes import FileBytes

_FIRST_AT = 8  # after the signature
_AROUND = 12  # bytes of a chunk in addition to its content: length, kind, checksum
_KIND_AT, _CONTENT_AT = 4, 8  # in a chunk
_MOST_CHUNKS = 10_000  # libraries write pixels in chunks of 8 KB and more
# Chunks other than pixels that are compressed. Each may grow a thousandfold; files have one or two.
COMPRESSED, MOST_COMPRESSED = (b"zTXt", b"iTXt", b"iCCP"), 20


def find_chunk(encoded: tf.Tensor, kind: bytes, name: Any) -> tf.Tensor:
    """Where the content of the first chunk of a kind begins: scalar int32, 0 if there is none.

    Args:
        encoded: scalar string, a PNG file.
        kind: four letters.
        name: scalar string, what a refusal calls the input.
    """

    def walk() -> tf.Tensor:
        file = FileBytes(encoded)

        def goes_on(at: tf.Tensor, number: Any) -> Any:
            is_other = (at < file.size) & ~file.begins(at + _KIND_AT, kind)
            return is_other & (number < _MOST_CHUNKS)

        def step(at: tf.Tensor, number: Any) -> Any:
            length = file.number(at, 4, big_endian=True)
            # A chunk that claims more bytes than the file has is the last one.
            is_whole = (length >= 0) & (length <= file.size - at)
            return tf.where(is_whole, at + _AROUND + length, file.size), number + 1

        at, number = tf.while_loop(goes_on, step, (tf.constant(_FIRST_AT), tf.constant(0)))
        few = tf.debugging.Assert(
            number < _MOST_CHUNKS,
            [name, f"received a PNG of many chunks; expected fewer than {_MOST_CHUNKS}"],
        )
        with tf.control_dependencies([few]):
            return tf.where(at < file.size, at + _CONTENT_AT, 0)

    # Most files don't have the letters at all, which is quick to see. Where they occur, it may be
    # in another chunk, so the chunks are walked through.
    return tf.cond(_number(encoded, kind, 1) > 0, walk, lambda: tf.constant(0))


def few_compressed(encoded: tf.Tensor, name: Any) -> tf.Tensor:
    """An assertion that a PNG has few compressed chunks other than its pixels."""
    number = sum(_number(encoded, kind, MOST_COMPRESSED + 1) for kind in COMPRESSED)
    return tf.debugging.Assert(
        number <= MOST_COMPRESSED,
        [
            name,
            "received a PNG with many compressed texts or profiles; expected at most "
            f"{MOST_COMPRESSED}",
        ],
    )


def _number(encoded: tf.Tensor, letters: Any, most: Any) -> Any:
    """How often these letters occur; counting stops at `most`."""
    return tf.size(tf.strings.split([encoded], letters, maxsplit=most).values) - 1
