"""The segments of a JPEG file, found in a TensorFlow graph, and how many scans its image has.

ITU-T T.81, annex B. A progressive image is painted in scans, each of which may take a few bytes of
the file and a pass over the whole image: cameras and libraries write about ten.
"""

import tensorflow as tf

from tfmeta.file_bytes import FileBytes

SCAN, _END = 0xDA, 0xD9  # markers
_SCAN_BYTES, _END_BYTES = b"\xff\xda", b"\xff\xd9"
_MOST_SEGMENTS, _MOST_SCANS = 1000, 100


def find_segment(file: FileBytes, is_wanted, name):
    """Where the marker of the first such segment before the image is: scalar int32, and a bool.

    Args:
        file: a JPEG file.
        is_wanted: `(place of the marker, marker)` -> scalar bool.
        name: of the input, scalar string, for a refusal's message.

    Returns:
        `(place, whether there is one)`; the place of another segment if there is none.
    """

    def goes_on(at, found, number):
        marker = file.byte(at + 1)
        is_over = (marker == SCAN) | (marker == _END) | (file.byte(at) != 0xFF)
        return ~found & ~is_over & (at < file.size) & (number < _MOST_SEGMENTS)

    def step(at, _, number):
        marker = file.byte(at + 1)
        # A marker may have more of 0xFF before it; a few have no content and so no length.
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


def of_few_scans(encoded, name):
    """The file, or an error if its image has very many scans; without what follows the image.

    What looks like a scan may also stand in what follows (cameras append films) or comes before
    (small previews). Only then is the file looked at more closely.
    """

    def closely():
        file = FileBytes(encoded)
        at, _ = find_segment(file, lambda at, marker: tf.constant(False), name)
        rest = tf.strings.substr(encoded, tf.minimum(at, file.size), tf.int32.max)
        # The decoder gets no more than was counted.
        image = tf.strings.split([rest], _END_BYTES, maxsplit=1).values[0]
        few = tf.debugging.Assert(
            _number(image, _SCAN_BYTES) <= _MOST_SCANS,
            [name, f"received a JPEG of many scans; expected at most {_MOST_SCANS}"],
        )
        with tf.control_dependencies([few]):
            return tf.strings.join([tf.strings.substr(encoded, 0, at), image, _END_BYTES])

    return tf.cond(_number(encoded, _SCAN_BYTES) > _MOST_SCANS, closely, lambda: encoded)


def _number(encoded, letters):
    """How often letters occur; of many, one more than `_MOST_SCANS`."""
    return tf.size(tf.strings.split([encoded], letters, maxsplit=_MOST_SCANS + 1).values) - 1
