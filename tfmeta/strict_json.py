"""JSON as its standard has it: without NaN and infinities, which other programs can't read."""

import json
import math

from tfmeta.user_files import read_file

_MOST_BYTES = 256 * 2**20  # of a file that is read; results of years of evaluations are less


def dumps(value, **options) -> str:
    """As `json.dumps`; a number that is not finite becomes null, and the reason stands beside it.

    Args:
        value: what can be written as JSON. An object gets a further key `not_finite`: where the
            nulls are and what they stand for, such as `{"loss": "nan", "curve[2]": "inf"}`.
        options: of `json.dumps`.
    """
    reasons = {}
    value = _finite(value, "", reasons)
    if reasons and isinstance(value, dict):
        value = {**value, "not_finite": reasons}
    return json.dumps(value, allow_nan=False, **options)


def loads(text):
    """As `json.loads`; what is nested too deeply is a ValueError too."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read(path, kind: type):
    """What a JSON file holds.

    Args:
        path: of the file.
        kind: of its content: dict or list.

    Raises:
        UserError: if it is no regular file, or far too large.
        OSError, ValueError: if it can't be read, is no JSON, or holds something else.
    """
    content = loads(read_file(path, most=_MOST_BYTES))
    if not isinstance(content, kind):
        kinds = {dict: "an object", list: "a list"}
        raise ValueError(f"it holds a {type(content).__name__}; expected {kinds[kind]}")
    return content


def _finite(value, path, reasons):
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return {key: _finite(v, f"{prefix}{key}", reasons) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v, f"{path}[{i}]", reasons) for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        reasons[path] = str(float(value))
        return None
    return value
