"""Reads NPZ archives, whose headers may be wrong: checks the sizes that they claim."""

import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.errors import UserError, listed
from tfmeta.user_files import AnyPath, check_expansion, open_file

# What NumPy and the archive raise for a file that is damaged or is no archive.
DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    NotImplementedError,  # an unknown compression, or an encrypted file
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,  # a header that ends in the middle
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: AnyPath) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file, by their names; pickles, which could run any code, are refused.

    Raises:
        UserError: if it is no regular file, or its content is far larger than the file.
        One of `DAMAGED`: if it is no archive of arrays, or is not whole.
    """
    with open_file(path) as file:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            check_expansion(path, total, os.fstat(file.fileno()).st_size)
            for member in members:
                _check_header(archive, member)
        file.seek(0)
        # NumPy would leave a damaged file open if it opened the file itself.
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def with_examples(arrays: dict[str, Any]) -> dict[str, Any]:
    """The same arrays, with the examples named `x` if they were saved as scikit-learn's `X`.

    Raises:
        UserError: if there are both.
    """
    if "X" not in arrays:
        return arrays
    if "x" in arrays:
        raise UserError(
            "received arrays x and X in one NPZ file; expected one of them, the examples"
        )
    return {"x" if name == "X" else name: values for name, values in arrays.items()}


def read_examples(path: AnyPath, answers: Sequence[str] = ()) -> tuple[np.ndarray, Any]:
    """The array `x` (or `X`) of an NPZ file, and its answers.

    Args:
        path: of the file.
        answers: names that the array of answers may have; with no names, none is read.

    Returns:
        `(x, y)`; y is None if no answers are asked for.

    Raises:
        UserError: if the file can't be read, or lacks one of them.
    """
    wanted = " and ".join(["x", *answers[:1]])
    try:
        arrays = with_examples(read_npz(path))
        x = arrays["x"]
        named = [name for name in answers if name in arrays]
        if answers and not named:
            raise UserError(
                f"{path} has no array {answers[0]}, the answers, but {listed(sorted(arrays))}; "
                f"expected {wanted}"
            )
        y = arrays[named[0]] if answers else None
    except UserError:
        raise
    except DAMAGED as error:
        raise UserError(f"cannot read {path}: {error}; expected an NPZ file of {wanted}") from error
    if x.dtype.kind not in "biuf" or x.ndim < 1:
        raise UserError(
            f"{path} holds x of {x.dtype} and shape {x.shape}; expected numbers, one row per "
            "example"
        )
    if y is not None and y.shape[:1] != x.shape[:1]:
        raise UserError(
            f"{path} holds x of shape {x.shape} and y of shape {y.shape}; expected one answer for "
            "each example"
        )
    return x, y


def _check_header(archive: Any, member: Any) -> None:
    """Refuses a wrong header: NumPy makes an array as large as it says before it reads anything."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} is of the format {version}; expected 1.0 or 2.0")
        shape, _, dtype = _HEADERS[version](file)
        size, there = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if not dtype.hasobject and size != there:
            raise ValueError(
                f"{member.filename} says that it has {size} bytes, {dtype} {shape}; it has {there}"
            )
