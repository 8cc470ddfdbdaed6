"""Requests that a served model must refuse, made from one that it answers."""

import numpy as np

_SPOILT = {  # what may happen to a file
    "empty": lambda file: b"",
    "cut short": lambda file: file[: len(file) // 2],
    "of no image": lambda file: b"no image at all, " + file,
    # An image of gigabytes by its header, which stands at the same place in every PNG.
    "of 65,536 times 65,536 pixels": lambda file: file[:16] + b"\0\x01\0\0" * 2 + file[24:],
}


def malformed(inputs: dict) -> dict:
    """`{what is wrong, the input's name first: request}`, from a request in which nothing is."""
    wrong = {
        f"{key} with {what}": {**inputs, key: _with_one(value, float(what))}
        for key, value in inputs.items()
        if value.dtype.kind == "f"
        for what in ("nan", "inf")
    }
    wrong |= {
        f"{key} {what}": {**inputs, key: _with_one(value, change(value.flat[0]))}
        for key, value in inputs.items()
        if key.endswith("_bytes")
        for what, change in _SPOILT.items()
    }
    wrong |= {f"{key} of a higher rank": {**inputs, key: v[None]} for key, v in inputs.items()}
    wrong |= {
        f"{key} of another size": {**inputs, key: value[..., :-1, :]}
        for key, value in inputs.items()
        if key in ("support_x", "query_x", "x") and value.ndim > 3
    }
    labels = inputs.get("support_y")
    if labels is None:
        return wrong
    wrong["support_y cut short"] = {**inputs, "support_y": labels[:, :-1]}
    if labels.dtype.kind == "i":
        wrong["support_y out of range"] = {**inputs, "support_y": labels + 10_000}
        # Of as many classes as the largest label says, the first has no example.
        wrong["support_y without a class"] = {**inputs, "support_y": np.maximum(labels, 1)}
    sizes = inputs.get("support_size")
    if sizes is not None:
        rows = labels.shape[1]
        for what, size in (("zero", 0), ("too large", rows + 1)):
            wrong[f"support_size {what}"] = {**inputs, "support_size": np.full_like(sizes, size)}
        return wrong
    support = [key for key in inputs if key.startswith("support_")]
    wrong["support_y empty"] = {**inputs, **{key: inputs[key][:, :0] for key in support}}
    return wrong


def _with_one(values, value):
    """A copy whose first entry is another."""
    values = values.copy()
    values.flat[0] = value
    return values
