"""Weights from an ONNX file, whose graph is left aside.

The file is one message of Protocol Buffers. The fields that hold weights are declared here by their
numbers in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, and all others are skipped.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tfmeta.reading.weights_files import reviewed_content
from tfmeta.user_files import AnyPath

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "Tensor": [
        ("dims", 1, _FIELD.TYPE_INT64, _FIELD.LABEL_REPEATED),
        ("data_type", 2, _FIELD.TYPE_INT32, _FIELD.LABEL_OPTIONAL),
        ("name", 8, _FIELD.TYPE_STRING, _FIELD.LABEL_OPTIONAL),
        ("raw_data", 9, _FIELD.TYPE_BYTES, _FIELD.LABEL_OPTIONAL),
    ],
    "Graph": [("initializer", 5, ".onnx.Tensor", _FIELD.LABEL_REPEATED)],
    "Model": [("graph", 7, ".onnx.Graph", _FIELD.LABEL_OPTIONAL)],
}
_TYPES = {1: "<f4", 7: "<i8"}


def read_onnx(path: AnyPath, *, sha256: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, by their names.

    Args:
        path: of the file.
        sha256: the digest that the file must have, in hexadecimal digits.

    Raises:
        UserError: if the file can't be read, or is another one.
    """
    model = _model_class().FromString(reviewed_content(path, sha256=sha256))
    return {
        each.name: np.frombuffer(each.raw_data, _TYPES[each.data_type]).reshape(tuple(each.dims))
        for each in model.graph.initializer
    }


@cache
def _model_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="onnx_weights.proto", package="onnx")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            of_kind = {"type_name": kind} if isinstance(kind, str) else {"type": kind}
            message.field.add(name=field, number=number, label=label, **of_kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("onnx.Model"))
