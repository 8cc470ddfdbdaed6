"""Reads arrays from pickles that others made, and runs no code that is in them.

A pickle is a program; to load one is to run it. Here it may only make texts, numbers, lists,
dictionaries and arrays of numbers. This module makes the arrays from their bytes, because NumPy's
own functions trust what a pickle says about a dtype, and would take bytes for pointers.
"""

import math
import os
import pickle
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath, open_file

_DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
_PLAIN = (None, None, None, -1, -1, 0)  # no fields, no subarray, no flags


def read_pickled_arrays(path: AnyPath) -> dict[str, Any]:
    """The dictionary in a pickle of arrays, numbers, strings, lists and dictionaries.

    Args:
        path: of the pickle, of Python 2 or 3.

    Raises:
        UserError: if it asks for anything else, is damaged, or is no dictionary.
    """
    try:
        with open_file(path) as file:
            content = _finished(_ArrayUnpickler(path, file).load(), {})
    except UserError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(
            f"cannot read {path}: {str(error).strip() or type(error).__name__}; expected a whole "
            "pickle of arrays of numbers. Fetch it again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}; expected a dictionary of arrays")
    return content


def read_pickled_images(path: AnyPath, keys: tuple[str, str]) -> Any:
    """The images in a pickle, sorted into classes.

    Args:
        path: of the pickle.
        keys: the keys, in its dictionary, of the images and of their classes. The classes are a
            dictionary with the numbers of each class's images, or a list with the class of each
            image.

    Returns:
        uint8 `(images, height, width, 3)`, and `{class: numbers of its images}`.

    Raises:
        UserError: if it can't be read, or holds something else.
    """
    content = read_pickled_arrays(path)
    images: Any = content.get(keys[0])
    members: Any = content.get(keys[1])
    try:
        if not isinstance(members, dict):
            labels = _flat(members)
            names = np.unique(labels).tolist()
            members = {name: np.flatnonzero(labels == name) for name in names}
        members = {name: _flat(numbers).astype(int).tolist() for name, numbers in members.items()}
        numbers = [number for each in members.values() for number in each]
        fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[-1] == 3
        fits = fits and len(numbers) and min(numbers) >= 0 and max(numbers) < len(images)
    except (AttributeError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise UserError(
            f"{path} does not hold what is expected: {keys[0]}, uint8 images of shape (images, "
            f"height, width, 3), and {keys[1]}, the classes of all of them"
        )
    return images, members


def _flat(values: np.ndarray) -> np.ndarray:
    """A list of numbers or texts as an array; a list in a list is refused, it may be very large."""
    if not isinstance(values, np.ndarray) and any(
        isinstance(v, list | tuple | dict) for v in values
    ):
        raise ValueError("lists in lists")
    return np.asarray(values)


class _File:
    """A file that refuses to read more bytes than it has, for which Python would reserve memory."""

    def __init__(self, file: BinaryIO):
        self._file, self._left = file, os.fstat(file.fileno()).st_size

    def read(self, size: Any) -> Any:
        self._left -= size
        if self._left < 0:
            raise EOFError("it ends before what it says")
        return self._file.read(size)

    def readline(self) -> Any:
        line = self._file.readline()
        self._left -= len(line)
        return line


class _Operations(dict[int, Any]):
    """What a pickle's operations do, by their codes; other operations are refused."""

    def __missing__(self, code: Any) -> None:
        raise pickle.UnpicklingError(f"it uses the operation {bytes([code])!r}")


# Python's own unpickler: the compiled one reserves memory for as many objects as the file claims.
class _ArrayUnpickler(pickle._Unpickler):
    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    _NAMES = """
        PROTO FRAME STOP MARK POP POP_MARK DUP MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET
        NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
        STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
        BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT DICT SETITEM
        SETITEMS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 GLOBAL STACK_GLOBAL REDUCE
    """
    dispatch = _Operations(
        (getattr(pickle, name)[0], pickle._Unpickler.dispatch[getattr(pickle, name)[0]])
        for name in _NAMES.split()
    )

    def __init__(self, path: AnyPath, file: BinaryIO):
        super().__init__(_File(file), encoding="latin1")  # as NumPy reads the bytes of Python 2
        self._path = path

    def find_class(self, module: Any, name: Any) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise UserError(
            f"{self._path} asks for {module}.{name}; expected a pickle of NumPy arrays alone. It "
            "was not run. Fetch it from where you trust it, or use the images themselves"
        )

    def _build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Array | _Dtype):
            raise pickle.UnpicklingError("it changes an object that is no array")
        self.stack[-1].build(*state)

    def _bytearray(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.BYTEARRAY8[0]] = _bytearray


class _Dtype:
    """Stands for `numpy.dtype(name, False, True)`, and checks what a pickle says about it later."""

    def __init__(self, name: Any, align: bool = False, copy: bool = True):
        if name not in _DTYPES:
            raise ValueError(f"it has an array of dtype {name!r}; expected one of numbers")
        self.dtype = np.dtype(name)

    def build(self, version: Any, order: Any, *rest: Any) -> None:
        if version != 3 or order not in ("<", ">", "|", "=") or rest != _PLAIN:
            raise ValueError("it has an array of another dtype than plain numbers")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for an array that a pickle has begun; its content comes later."""

    array = None

    def build(self, version: Any, shape: Any, dtype: Any, is_fortran: Any, content: Any) -> None:
        if version != 1:
            raise ValueError(f"it has an array of version {version!r}")
        self.array = _array(content, dtype, shape, "F" if is_fortran else "C")


def _array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise ValueError("it has an array of another dtype than plain numbers")
    content = content.encode("latin1") if isinstance(content, str) else content
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"it has an array of shape {shape!r:.40}")
    if not isinstance(content, bytes) or math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise ValueError(f"it has an array of shape {shape!r:.40} and other bytes than that has")
    return np.frombuffer(content, dtype.dtype).reshape(shape, order=order)


def _begun(kind: Any, shape: Any, typecode: Any) -> Any:
    return _Array()


def _scalar(dtype: Any, content: Any) -> Any:
    return _array(content, dtype, (), "C")[()]


def _latin1(text: Any, encoding: Any) -> Any:
    """`_codecs.encode` for bytes in a pickle of protocol 2; other codecs may decompress."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode(encoding)


def _finished(value: Any, done: Any) -> Any:
    """What was read, with real arrays in the places of the objects that stand for them."""
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, list | tuple | dict) and id(value) not in done:
        done[id(value)] = value
        if isinstance(value, dict):
            value.update({key: _finished(each, done) for key, each in value.items()})
        elif isinstance(value, list):
            value[:] = [_finished(each, done) for each in value]
        else:
            done[id(value)] = tuple(_finished(each, done) for each in value)
    return done.get(id(value), value)


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,  # an argument of the function below
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _latin1,
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _begun
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _scalar
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _array
