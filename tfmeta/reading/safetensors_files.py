"""Weights from a safetensors file: a JSON header, then the numbers of each tensor."""

import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmeta import strict_json
from tfmeta.reading.weights_files import reviewed_content
from tfmeta.user_files import AnyPath

_TYPES = {"F32": "<f4", "I64": "<i8"}


def read_safetensors(path: AnyPath, *, sha256: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, by their names.

    Args:
        path: of the file.
        sha256: the digest that the file must have, in hexadecimal digits.

    Raises:
        UserError: if the file can't be read, or is another one.
    """
    content = reviewed_content(path, sha256=sha256)
    (size,) = struct.unpack("<Q", content[:8])
    header = strict_json.loads(content[8 : 8 + size].decode("utf-8"))
    numbers = memoryview(content)[8 + size :]
    return {
        name: _array(numbers, **fields) for name, fields in header.items() if name != "__metadata__"
    }


def _array(
    numbers: memoryview, dtype: str, shape: list[int], data_offsets: list[int]
) -> npt.NDArray[Any]:
    start, end = data_offsets
    array = np.frombuffer(numbers[start:end], _TYPES[dtype], count=math.prod(shape))
    return array.reshape(shape)
