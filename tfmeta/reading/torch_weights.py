"""Weights from a file that PyTorch wrote in its first format, read without PyTorch.

Such a file is a row of pickles, and then the numbers of each tensor. A pickle is a program. So the
file is first compared with the digest of the one that was reviewed, and the reader makes nothing
but arrays and dictionaries of them.
"""

import io
import math
import pickle
import struct
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tfmeta.errors import UserError, described
from tfmeta.reading.weights_files import reviewed_content
from tfmeta.user_files import AnyPath

_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of such a file
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_torch_weights(path: AnyPath, *, sha256: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a state dictionary, by their names.

    Args:
        path: of a file that `torch.save` wrote before PyTorch 1.6.
        sha256: the digest that the file must have, in hexadecimal digits.

    Raises:
        UserError: if the file can't be read, or is another one.
    """
    content = reviewed_content(path, sha256=sha256)
    try:
        return _tensors(io.BytesIO(content))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # whatever a damaged pickle raises
        raise UserError(f"{path} is damaged ({described(error)}); install it again") from error


def _tensors(file: BinaryIO) -> dict[str, npt.NDArray[Any]]:
    if _Unpickler(file).load() != _MAGIC:
        raise UserError("it is not of PyTorch's first format; expected a file that is")
    for _ in ("protocol", "system"):
        _Unpickler(file).load()
    tensors, keys = _Unpickler(file).load(), _Unpickler(file).load()
    dtypes = {tensor.key: tensor.dtype for tensor in tensors.values()}
    storages = {}
    for key in keys:
        (size,) = struct.unpack("<q", file.read(8))
        dtype = np.dtype(dtypes[key])
        numbers = file.read(max(size, 0) * dtype.itemsize)
        storages[key] = np.frombuffer(numbers, dtype, count=max(size, 0))
    return {name: tensor.array(storages[tensor.key]) for name, tensor in tensors.items()}


class _Tensor:
    """Stands for a tensor whose numbers are further on in the file."""

    def __init__(
        self, storage: tuple[str, str], offset: int, shape: Any, strides: Any, *_: Any
    ) -> None:
        self.dtype, self.key = storage
        self._offset, self._shape, self._strides = offset, shape, strides

    def array(self, storage: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The tensor; NumPy refuses a shape that reaches beyond the storage."""
        if math.prod(self._shape) > storage.size:  # strides of 0 would repeat a few numbers
            raise ValueError(f"a tensor of shape {self._shape} has more numbers than its storage")
        width = storage.itemsize
        strides = [stride * width for stride in self._strides]
        view: npt.NDArray[Any] = np.ndarray(
            self._shape, storage.dtype, storage.data, self._offset * width, strides
        )
        return view.copy()


class _Names(OrderedDict[str, Any]):
    """A state dictionary, without what PyTorch says there of its own version."""

    def __setstate__(self, state: Any) -> None:
        del state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _Names
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise UserError(f"it asks for {module}.{name}; expected tensors alone. Nothing was run")

    def persistent_load(self, identity: Any) -> tuple[str, str]:
        _, dtype, key, *_ = identity
        return dtype, key
