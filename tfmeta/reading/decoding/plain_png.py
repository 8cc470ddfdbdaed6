"""PNG files that need few operations in a graph, told by their bytes in Python.

The graph that reads any image asks what kind of file it is, whether it has opacity, which side is
up. To run an operation takes a microsecond or two however little it does, and for small images the
questions take most of the time. Here Python has the answers before.
"""

import struct

from tfmeta.reading.decoding.image_decoding import DEPTH_16, DEPTH_AT, KIND_AT, KINDS_WITH_OPACITY
from tfmeta.reading.decoding.image_sizes import PNG, PNG_SIDES_AT
from tfmeta.reading.decoding.png_chunks import COMPRESSED, MOST_COMPRESSED

_SPECIAL = (b"tRNS", b"eXIf")  # chunks that say what is seen: opacity, and which side is up


def is_plain(content: bytes) -> bool:
    """Whether a PNG is opaque and upright, has 8 bits or fewer, and no chunks that it may not have.

    Letters of a chunk may also occur in pixels by chance. Such a file is not plain, which is slower
    and as right.
    """
    if not content.startswith(PNG) or content[DEPTH_AT : DEPTH_AT + 1] == DEPTH_16:
        return False
    if content[KIND_AT : KIND_AT + 1] in KINDS_WITH_OPACITY:
        return False
    if any(letters in content for letters in _SPECIAL):
        return False
    return sum(map(content.count, COMPRESSED)) <= MOST_COMPRESSED


def sides(content: bytes) -> bytes:
    """Where a PNG has its width and height, as they stand there; see `sides_of`."""
    return content[PNG_SIDES_AT : PNG_SIDES_AT + 8]


def sides_of(height: int, width: int) -> bytes:
    """What `sides` are of a PNG of this size."""
    return struct.pack(">II", width, height)
