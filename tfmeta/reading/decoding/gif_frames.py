"""Finds a GIF's first frame in a TensorFlow graph, at a cost that its number of bytes bounds.

GIF89a (CompuServe 1990): extensions and frames are chains of blocks. Each block has its size before
it, and an empty block ends the chain. A chain may have a million blocks of one byte, so it is
followed by jumps whose length doubles, and not block by block.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.file_bytes import FileBytes

# Bytes that begin an extension, the extension that controls a frame, a frame, and the end.
_EXTENSION, _CONTROL, FRAME, _END, _PALETTE_AT = 0x21, 0xF9, 0x2C, b"\x3b", 13
_LOCAL_PALETTE_AT = 10  # in a frame
_WINDOW_BITS = 14  # a chain is followed through a window of 2^14 bytes at a time
_LARGEST_BLOCK = 255
_MOST_EXTENSIONS = 100  # before a frame; real files have a handful


class FirstFrame(NamedTuple):
    """Scalar int32 tensors that say where the first frame is, in bytes from the file's beginning.

    Attributes:
        at: where the frame begins.
        control: where the flags that control it are; 0 if there are none.
        palette, colours: where the palette that the frame uses begins, and its number of colours.
        left, top, width, height: of the frame.
        rows, columns: of the canvas that holds the frame.
    """

    at: tf.Tensor
    control: tf.Tensor
    palette: tf.Tensor
    colours: tf.Tensor
    left: tf.Tensor
    top: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    rows: tf.Tensor
    columns: tf.Tensor


def first_frame(file: FileBytes, name: Any) -> FirstFrame:
    """The first frame of a GIF; a refusal names the input as `name`."""
    at, control = _find(file, name)
    flags = file.byte(at + 9)
    is_local = (flags & 0x80) > 0
    left, top, width, height = (file.number(at + n, 2, big_endian=False) for n in (1, 3, 5, 7))
    columns, rows = (file.number(n, 2, big_endian=False) for n in (6, 8))
    return FirstFrame(
        at,
        control,
        tf.where(is_local, at + _LOCAL_PALETTE_AT, _PALETTE_AT),
        tf.bitwise.left_shift(2, tf.where(is_local, flags, file.byte(10)) & 7),
        *(left, top, width, height),
        tf.maximum(rows, top + height),
        tf.maximum(columns, left + width),
    )


def first_frame_alone(encoded: tf.Tensor, file: FileBytes, frame: FirstFrame) -> tf.Tensor:
    """The file up to the end of its first frame, because TensorFlow would decode every frame."""
    is_local = (file.byte(frame.at + 9) & 0x80) > 0
    colours = tf.where(is_local, 3 * frame.colours, 0)
    # One byte before the blocks says how they are compressed.
    end = _after_blocks(file, frame.at + _LOCAL_PALETTE_AT + colours + 1)
    return tf.strings.join([tf.strings.substr(encoded, 0, tf.minimum(end, file.size)), _END])


def _find(file: FileBytes, name: Any) -> Any:
    """Where the first frame begins, and where the flags that control it are, or 0."""
    flags = file.byte(10)
    colours = tf.bitwise.left_shift(2, flags & 7)
    start = _PALETTE_AT + tf.where((flags & 0x80) > 0, 3 * colours, 0)

    def goes_on(at: tf.Tensor, control: Any, number: Any) -> Any:
        is_extension = (at < file.size) & (file.byte(at) == _EXTENSION)
        return is_extension & (number < _MOST_EXTENSIONS)

    def step(at: tf.Tensor, control: Any, number: Any) -> Any:
        control = tf.where(file.byte(at + 1) == _CONTROL, at + 3, control)
        # TensorFlow's decoder reads on after an empty first block, so that is no end here either.
        return _after_blocks(file, at + 3 + file.byte(at + 2)), control, number + 1

    at, control, number = tf.while_loop(goes_on, step, (start, tf.constant(0), tf.constant(0)))
    expected = f"expected fewer than {_MOST_EXTENSIONS}"
    few = tf.debugging.Assert(
        number < _MOST_EXTENSIONS,
        [name, f"received a GIF with many extensions before its first frame; {expected}"],
    )
    with tf.control_dependencies([few]):
        return tf.identity(at), control


def _after_blocks(file: FileBytes, start: Any) -> Any:
    """Where a chain of blocks that begins at `start` ends; beyond the file if it is cut off."""

    def goes_on(at: tf.Tensor, is_over: Any) -> Any:
        return ~is_over & (at < file.size)

    def step(at: tf.Tensor, _: object) -> Any:
        sizes = file.bytes(at, 1 << _WINDOW_BITS)
        number = tf.size(sizes)
        places = tf.range(number + _LARGEST_BLOCK + 1)
        # An empty block and a place beyond the window lead to themselves.
        steps = tf.where(sizes > 0, sizes + 1, 0)
        leads_to = places + tf.pad(steps, [[0, _LARGEST_BLOCK + 1]])
        for _ in range(_WINDOW_BITS):
            leads_to = tf.gather(leads_to, leads_to)
        return at + leads_to[0], leads_to[0] < number

    at, _ = tf.while_loop(goes_on, step, (start, tf.constant(False)))
    return at + 1
