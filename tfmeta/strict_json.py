"""JSON as in its standard, without NaN and infinities, which other programs can't read."""

import json
import math
from typing import Any

from tfmeta.user_files import AnyPath, read_file

_MOST_BYTES = 256 * 2**20  # of a file; the results of years of evaluations are less


def dumps(value: Any, **options: Any) -> str:
    """Like `json.dumps`, but a number that is not finite becomes null, with a note that says why.

    Args:
        value: a value that JSON can hold. An object gets another key `not_finite`, which says where
            the nulls are and what they stand for, such as `{"loss": "nan", "curve[2]": "inf"}`.
        options: of `json.dumps`.
    """
    reasons: dict[str, str] = {}
    value = _finite(value, "", reasons)
    if reasons and isinstance(value, dict):
        value = {**value, "not_finite": reasons}
    return json.dumps(value, allow_nan=False, **options)


def loads(text: str | bytes) -> Any:
    """Like `json.loads`, but text that is nested too deeply is a ValueError too."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read(path: AnyPath, kind: type[Any]) -> Any:
    """The content of a JSON file.

    Args:
        path: of the file.
        kind: the type of its content, dict or list.

    Raises:
        UserError: if the file is not regular, or is far too large.
        OSError, ValueError: if the file can't be read, is no JSON, or holds another type.
    """
    content = loads(read_file(path, most=_MOST_BYTES))
    if not isinstance(content, kind):
        kinds: dict[type[Any], str] = {dict: "an object", list: "a list"}
        raise ValueError(f"it holds a {type(content).__name__}; expected {kinds[kind]}")
    return content


def _finite(value: Any, path: str, reasons: dict[str, str]) -> Any:
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return {key: _finite(v, f"{prefix}{key}", reasons) for key, v in value.items()}
    if isinstance(value, list | tuple):
        if all(type(each) is str for each in value):  # such as a vocabulary
            return list(value)
        return [_finite(v, f"{path}[{i}]", reasons) for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        reasons[path] = str(float(value))
        return None
    return value
