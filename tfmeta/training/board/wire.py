"""The few fields of TensorBoard's own protocol buffers that a run writes, as bytes.

TensorBoard's message classes are part of TensorBoard, which need not be installed; and a second
definition under the same name would be refused where it is. The format:
https://protobuf.dev/programming-guides/encoding/.
"""

import struct

_VARINT, _EIGHT_BYTES, _WITH_LENGTH = 0, 1, 2  # how a field's value is written


def whole(field: int, number: int) -> bytes:
    """A field that holds a whole number from 0 up, or an enum."""
    return _varint(field << 3 | _VARINT) + _varint(number)


def real(field: int, number: float) -> bytes:
    """A field that holds a double."""
    return _varint(field << 3 | _EIGHT_BYTES) + struct.pack("<d", number)


def message(field: int, content: bytes) -> bytes:
    """A field that holds a message, by its bytes."""
    return _varint(field << 3 | _WITH_LENGTH) + _varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """A field that holds a text."""
    return message(field, content.encode())


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; every byte but the last has its highest bit set."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
