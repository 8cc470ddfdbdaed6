"""Requests that a served model must refuse, made from a request that it answers."""

from typing import Any

import numpy as np

from tfmeta.exporting.contract import EXAMPLES, SUPPORT_SIZE, SUPPORT_Y
from tfmeta.reading.input_format import InputFormat

Request = dict[str, np.ndarray]


def malformed(inputs: Request, input_format: InputFormat) -> dict[str, Request]:
    """From a good request: `{what is wrong, beginning with the input's name: request}`."""
    wrong = {
        f"{key} with {what}": {**inputs, key: _with_one(value, float(what))}
        for key, value in inputs.items()
        if value.dtype.kind == "f"
        for what in ("nan", "inf")
        if what == "inf" or not input_format.may_be_nan(key)
    }
    wrong |= {
        f"{key} {what}": {**inputs, key: _with_one(value, change(value.flat[0]))}
        for name in EXAMPLES
        for ending, changes in input_format.spoilt_inputs.items()
        for key, value in inputs.items()
        if key == name + ending
        for what, change in changes.items()
    }
    wrong |= {f"{key} of a higher rank": {**inputs, key: v[None]} for key, v in inputs.items()}
    wrong |= {
        f"{key} of another size": {**inputs, key: value[..., :-1, :]}
        for key, value in inputs.items()
        if key in EXAMPLES and value.ndim > 3
    }
    if SUPPORT_Y in inputs:
        wrong |= _malformed_labels(inputs)
    return wrong


def _malformed_labels(inputs: Request) -> dict[str, Request]:
    """As `malformed`, but what is wrong is the support set as a whole."""
    labels = inputs[SUPPORT_Y]
    wrong: dict[str, Request] = {}

    def change(name: str, what: str, value: np.ndarray) -> None:
        wrong[f"{name} {what}"] = {**inputs, name: value}

    change(SUPPORT_Y, "cut short", labels[:, :-1])
    if labels.dtype.kind == "i":
        change(SUPPORT_Y, "out of range", labels + 10_000)
        # There are as many classes as the largest label says, and the first has no example.
        change(SUPPORT_Y, "without a class", np.maximum(labels, 1))
    if SUPPORT_SIZE in inputs:
        sizes, rows = inputs[SUPPORT_SIZE], labels.shape[1]
        change(SUPPORT_SIZE, "zero", np.zeros_like(sizes))
        change(SUPPORT_SIZE, "too large", np.full_like(sizes, rows + 1))
    else:
        support = [key for key in inputs if key.startswith("support_")]
        wrong[f"{SUPPORT_Y} empty"] = {**inputs, **{key: inputs[key][:, :0] for key in support}}
    return wrong


def _with_one(values: np.ndarray, value: Any) -> np.ndarray:
    """A copy with this first entry."""
    values = values.copy()
    values.flat[0] = value
    return values
