"""JSON to tensors and back, as the REST side of TensorFlow Serving does it.

After its `util/json_tensor.cc`, messages included.
"""

import base64
import binascii
import json

import numpy as np
from serving_core import dtype_name

from tfmeta.exporting.loading.c_loader import LoaderError


def read(asked: dict, inputs: dict) -> tuple[dict, bool]:
    """The arrays of a request whose signature takes `inputs`, and whether it is in rows."""
    if "instances" in asked and "inputs" in asked:
        raise LoaderError(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in asked:
        return _rows(asked["instances"], inputs), True
    if "inputs" in asked:
        return _columns(asked["inputs"], inputs), False
    raise LoaderError("Missing 'inputs' or 'instances' key")


def write(arrays: dict, *, is_by_row: bool) -> dict:
    """The answer, in the form of the request."""
    return {"predictions": _as_rows(arrays)} if is_by_row else {"outputs": _as_columns(arrays)}


def _is_base64(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_named(value) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _columns(values, inputs) -> dict:
    """`"inputs"`: one value a key, or the value alone; unknown keys are passed over."""
    if not _is_named(values):
        if len(inputs) > 1:
            raise LoaderError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        values = {next(iter(inputs)): values}
    for key in inputs:
        if key not in values:
            raise LoaderError(f"Missing named input: {key} in 'inputs' object.")
    return {key: _tensor(values[key], info.dtype) for key, info in inputs.items()}


def _rows(rows, inputs) -> dict:
    """`"instances"`: for each place in dimension 0 one value a key, or the value alone."""
    if not isinstance(rows, list):
        raise LoaderError("Excepting 'instances' to be an list/array")
    if not rows:
        raise LoaderError("No values in 'instances' array")
    are_named = _is_named(rows[0])
    if not are_named and len(inputs) > 1:
        raise LoaderError(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    tensors = {key: [] for key in inputs}
    for number, row in enumerate(rows):
        if are_named != _is_named(row):
            kinds = ("object", "list") if are_named else ("value/list", "object")
            raise LoaderError(
                f"Expecting {kinds[0]} but got {kinds[1]} at item {number} of input list"
            )
        named = row if are_named else {next(iter(inputs)): row}
        if named.keys() != inputs.keys():
            raise LoaderError(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{json.dumps(row)} keys must be equal to: {','.join(sorted(inputs))}"
            )
        for key, value in named.items():
            tensor = _tensor(value, inputs[key].dtype)
            if tensors[key] and tensors[key][0].shape != tensor.shape:
                raise LoaderError(
                    f"Failed to process element: {number} key: {key} of 'instances' list. Error: "
                    f"INVALID_ARGUMENT: Expecting tensor size: {tensors[key][0].size} but got: "
                    f"{tensor.size}"
                )
            tensors[key].append(tensor)
    return {key: np.stack(arrays) for key, arrays in tensors.items()}


def _tensor(value, dtype) -> np.ndarray:
    """A dense tensor; its shape is that of the first element at each level."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    array = np.empty(int(np.prod(shape, dtype=np.int64)), dtype)
    array[:] = list(_leaves(value, shape, 0, dtype))
    return array.reshape(shape)


def _leaves(value, shape, level, dtype):
    if not isinstance(value, list):
        if level != len(shape):
            raise LoaderError(
                f"JSON Value: {json.dumps(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {len(shape)}"
            )
        yield _value(value, dtype)
        return
    if level >= len(shape):
        raise LoaderError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise LoaderError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
            f"{shape[level]}"
        )
    for item in value:
        yield from _leaves(item, shape, level + 1, dtype)


def _value(value, dtype):
    """One number or string, if JSON has it in the very type."""
    if dtype.hasobject and isinstance(value, str):
        return value.encode()
    if dtype.hasobject and isinstance(value, dict):
        if not _is_base64(value):
            raise LoaderError(
                f"JSON Value: {json.dumps(value)} not formatted correctly for base64 data"
            )
        try:
            return base64.b64decode(value["b64"], validate=True)
        except binascii.Error as error:
            raise LoaderError("Unable to base64 decode") from error
    taken = {"f": (int, float), "i": int, "u": int, "b": bool}.get(dtype.kind, ())
    if isinstance(value, bool) != (dtype.kind == "b") or not isinstance(value, taken):
        kinds = {dict: "Object", str: "String", type(None): "Null"}
        kind = str(value) if isinstance(value, bool) else kinds.get(type(value), "Number")
        raise LoaderError(
            f"JSON Value: {json.dumps(value)} Type: {kind} is not of expected type: "
            f"{dtype_name(dtype)}"
        )
    return value


def _plain(key, array):
    """Nested lists; floats in as many digits as make the same number again, strings as they are."""
    if array.dtype.kind == "f":
        return array.astype(str).astype(float).tolist()
    if not array.dtype.hasobject:
        return array.tolist()
    is_bytes = key.endswith("_bytes")
    shown = np.empty(array.shape, object)
    for place in np.ndindex(array.shape):
        text = array[place]
        shown[place] = (
            {"b64": base64.b64encode(text).decode()} if is_bytes else text.decode(errors="replace")
        )
    return shown.tolist()


def _as_columns(arrays):
    columns = {key: _plain(key, array) for key, array in arrays.items()}
    return columns if len(columns) > 1 else next(iter(columns.values()))


def _as_rows(arrays):
    sizes = set()
    for key, array in arrays.items():
        if array.ndim == 0:
            raise LoaderError(f"Tensor name: {key} has no shape information ")
        sizes.add(len(array))
        if len(sizes) > 1:
            raise LoaderError(f"Tensor name: {key} has inconsistent batch size: {len(array)}")
    columns = {key: _plain(key, array) for key, array in arrays.items()}
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [{key: column[i] for key, column in columns.items()} for i in range(sizes.pop())]
