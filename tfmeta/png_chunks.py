"""The chunks of a PNG file, found in a TensorFlow graph."""

import tensorflow as tf

from tfmeta.file_bytes import FileBytes

_FIRST_AT = 8  # after the signature
_AROUND = 12  # bytes of a chunk beside its content: length and kind before it, a checksum after
_KIND_AT, _CONTENT_AT = 4, 8  # in a chunk


def find_chunk(encoded, kind: bytes):
    """Where the content of the first chunk of a kind begins: scalar int32, 0 if there is none.

    Args:
        encoded: scalar string, a PNG file.
        kind: four letters.
    """

    def walk():
        file = FileBytes(encoded)

        def goes_on(at):
            return (at < file.size) & ~file.begins(at + _KIND_AT, kind)

        def step(at):
            length = file.number(at, 4, big_endian=True)
            # One that claims more than the file has is the last.
            is_whole = (length >= 0) & (length <= file.size - at)
            return (tf.where(is_whole, at + _AROUND + length, file.size),)

        (at,) = tf.while_loop(goes_on, step, (tf.constant(_FIRST_AT),))
        return tf.where(at < file.size, at + _CONTENT_AT, 0)

    # Most files don't have the letters at all, which is seen at once; else they may be in another.
    may_be = tf.size(tf.strings.split([encoded], kind, maxsplit=1).values) > 1
    return tf.cond(may_be, walk, lambda: tf.constant(0))
