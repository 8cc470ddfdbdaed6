"""Requests that a served model must refuse, made from one that it answers."""

import numpy as np


def malformed(inputs: dict) -> dict:
    """`{what is wrong, the input's name first: request}`, from a request in which nothing is."""
    wrong = {
        f"{key} with a NaN": {**inputs, key: value * np.float32("nan")}
        for key, value in inputs.items()
        if value.dtype.kind == "f"
    }
    labels = inputs.get("support_y")
    if labels is None:
        return wrong
    wrong["support_y cut short"] = {**inputs, "support_y": labels[:, :-1]}
    if labels.dtype.kind == "i":
        wrong["support_y out of range"] = {**inputs, "support_y": labels + 10_000}
    support = [key for key in inputs if key.startswith("support_")]
    wrong["support_y empty"] = {**inputs, **{key: inputs[key][:, :0] for key in support}}
    return wrong
