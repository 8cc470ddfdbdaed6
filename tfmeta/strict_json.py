"""JSON as its standard has it: without NaN and infinities, which other programs can't read."""

import json
import math


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
