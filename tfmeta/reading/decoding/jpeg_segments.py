"""Finds the segments of a JPEG file, and counts its scans, in a TensorFlow graph.

ITU-T T.81, annex B. A progressive image consists of scans. A scan may take only a few bytes of the
file, but decoding it takes a pass over the whole image. Cameras and libraries write about ten.
"""

from typing import Any

import tensorflow as tf

from tfmeta.file_bytes import FileBytes

SCAN, _END = 0xDA, 0xD9  # markers
_SCAN_BYTES, _END_BYTES = b"\xff\xda", b"\xff\xd9"
_MOST_SEGMENTS, _MOST_SCANS = 1000, 100


def find_segment(file: FileBytes, is_wanted: Any, name: Any) -> Any:
    """Finds the first segment before the image that is wanted.

    Args:
        file: a JPEG file.
        is_wanted: a function: `(place of the marker, marker)` -> scalar bool.
        name: scalar string, what a refusal calls the input.

    Returns:
        `(place, whether there is one)`: a scalar int32, where the segment's marker is, and a scalar
        bool. If there is none, the place is that of another segment.
    """

    def goes_on(at: tf.Tensor, found: Any, number: Any) -> Any:
        marker = file.byte(at + 1)
        is_over = (marker == SCAN) | (marker == _END) | (file.byte(at) != 0xFF)
        return ~found & ~is_over & (at < file.size) & (number < _MOST_SEGMENTS)

    def step(at: tf.Tensor, _: object, number: Any) -> Any:
        marker = file.byte(at + 1)
        # More bytes 0xFF may come before a marker; a few markers have no content and so no length.
        alone = (marker == 0x01) | ((marker >= 0xD0) & (marker <= 0xD8))
        length = tf.maximum(file.number(at + 2, 2, big_endian=True), 2)
        found = is_wanted(at, marker)
        after = tf.where(marker == 0xFF, 1, tf.where(alone, 2, 2 + length))
        return tf.where(found, at, at + after), found, number + 1

    start = (tf.constant(2), tf.constant(False), tf.constant(0))
    at, found, number = tf.while_loop(goes_on, step, start)
    few = tf.debugging.Assert(
        number < _MOST_SEGMENTS,
        [
            name,
            "received a JPEG with many segments before its image; expected fewer than "
            f"{_MOST_SEGMENTS}",
        ],
    )
    with tf.control_dependencies([few]):
        return tf.identity(at), found


def of_few_scans(encoded: tf.Tensor, name: Any) -> tf.Tensor:
    """The file without what follows its image; refuses an image of very many scans.

    Bytes that look like a scan may also be in what follows the image (cameras append films) or in
    what comes before it (small previews). Only if there are too many of them is the file examined
    more closely.
    """

    def closely() -> tf.Tensor:
        file = FileBytes(encoded)
        at, _ = find_segment(file, lambda at, marker: tf.constant(False), name)
        rest = tf.strings.substr(encoded, tf.minimum(at, file.size), tf.int32.max)
        # The decoder gets only the part whose scans were counted.
        image = tf.strings.split([rest], _END_BYTES, maxsplit=1).values[0]
        few = tf.debugging.Assert(
            _number(image, _SCAN_BYTES) <= _MOST_SCANS,
            [name, f"received a JPEG of many scans; expected at most {_MOST_SCANS}"],
        )
        with tf.control_dependencies([few]):
            return tf.strings.join([tf.strings.substr(encoded, 0, at), image, _END_BYTES])

    return tf.cond(_number(encoded, _SCAN_BYTES) > _MOST_SCANS, closely, lambda: encoded)


def _number(encoded: tf.Tensor, letters: Any) -> Any:
    """How often these letters occur; counting stops at one more than `_MOST_SCANS`."""
    return tf.size(tf.strings.split([encoded], letters, maxsplit=_MOST_SCANS + 1).values) - 1
