"""Arrays of ONNX files, which are written here byte by byte."""

import hashlib

import numpy as np
import pytest

from tfmeta.errors import UserError
from tfmeta.reading.onnx_files import read_onnx


def field(number, content):
    """A field of Protocol Buffers with a length, or a varint below 128."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def tensor(name, array, kind, *, is_packed):
    sizes = bytes(array.shape)
    dims = field(1, sizes) if is_packed else b"".join(field(1, size) for size in sizes)
    return dims + field(2, kind) + field(8, name.encode()) + field(9, array.tobytes())


def test_the_arrays_are_those_that_were_written(tmp_path):
    floats = np.arange(6, dtype="<f4").reshape(2, 3) / 7
    whole = np.array([-1, 2**40], "<i8")
    node = field(4, b"Conv") + field(3, b"a node, which is skipped")
    graph = field(1, node) + field(5, tensor("a", floats, 1, is_packed=True))
    graph += field(2, b"its name") + field(5, tensor("b", whole, 7, is_packed=False))
    content = field(1, 7) + field(2, b"its producer")
    content += bytes([7 << 3 | 2, len(graph) % 128 | 128, len(graph) // 128]) + graph
    path = tmp_path / "weights.onnx"
    path.write_bytes(content)
    found = read_onnx(path, sha256=hashlib.sha256(content).hexdigest())
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], floats)
    np.testing.assert_array_equal(found["b"], whole)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"has the SHA-256 digest e3b0.*; expected 00"):
        read_onnx(path, sha256="00")
