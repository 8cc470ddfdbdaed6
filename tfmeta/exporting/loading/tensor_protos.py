"""NumPy arrays to TensorProtos and back, and TFRecords, without TensorFlow's Python."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.exporting.loading.genuine_protos import genuine_protos
from tfmeta.exporting.loading.signatures import DTYPES


def to_proto(array: np.ndarray) -> Any:
    """A TensorProto; object arrays hold bytes."""
    genuine_protos()
    from tensorflow.core.framework import tensor_pb2

    number = next(n for n, dtype in DTYPES.items() if dtype == array.dtype)
    proto = tensor_pb2.TensorProto(dtype=number)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype.hasobject:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto


def from_proto(proto: Any) -> np.ndarray:
    """The array of a TensorProto that `to_proto` made."""
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    dtype = DTYPES[proto.dtype]
    if not dtype.hasobject:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    array = np.empty(len(proto.string_val), object)
    array[:] = list(proto.string_val)
    return array.reshape(shape)


def read_records(path: str | Path) -> list[bytes]:
    """The records of a TFRecord file. Each is length (8), checksum (4), data, checksum (4).

    Raises:
        ValueError: if the file is cut short.
    """
    content, records, position = Path(path).read_bytes(), [], 0
    while position < len(content):
        if position + 12 > len(content):
            raise ValueError(f"{path} is cut short")
        (length,) = struct.unpack_from("<Q", content, position)
        if position + 16 + length > len(content):
            raise ValueError(f"{path} is cut short")
        records.append(content[position + 12 : position + 12 + length])
        position += 16 + length
    return records
