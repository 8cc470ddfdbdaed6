"""What a network takes its examples as, and raw examples for it."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

_CENTRES = ("centre_rest", "centre")  # layers, in the order in which they are undone
_SCALING = ("scale", *_CENTRES)


def full_dtype() -> dict[str, Any]:
    """The argument of a layer that centres, sums or divides: half precision is too coarse for it.

    Under another policy than a mixed one it is none, and the layer's policy is Keras's.
    """
    is_mixed = keras.config.dtype_policy().name.startswith("mixed_")
    return {"dtype": "float32"} if is_mixed else {}


def declared_dtype(network: keras.Model) -> str | None:
    """What a network's `keras.Input` says it takes; None of one that has none."""
    inputs = getattr(network, "inputs", None)
    return keras.backend.standardize_dtype(inputs[0].dtype) if inputs else None


def input_dtype(network: keras.Model) -> str:
    """What a network takes its examples as: "float64" if it says so, else "float32"."""
    return "float64" if declared_dtype(network) == "float64" else "float32"


def unscaled(network: keras.Model, standard: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Raw examples that the network's first layers, `centre` and `scale`, make these of.

    Args:
        network: any; without such layers the examples are returned as they are.
        standard: `(..., *input_shape)` numbers around 0.
    """
    dtype = np.dtype(input_dtype(network))
    first = {layer.name: layer for layer in network.layers if isinstance(layer, layers.Rescaling)}
    if first.keys().isdisjoint(_SCALING):
        return standard.astype(dtype)
    flat = standard.reshape(-1, math.prod(network.input_shape[1:])).astype(np.float64)
    if "scale" in first:
        flat = flat / np.asarray(first["scale"].scale)
    for name in _CENTRES:
        if name in first:
            flat = flat - np.asarray(first[name].offset)
    most = np.finfo(dtype).max
    return np.clip(flat, -most, most).reshape(standard.shape).astype(dtype)
