"""The input of a network of numbers, centred and scaled by constants."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.input_dtypes import full_dtype


def scaled_input(
    input_shape: tuple[int, ...],
    input_mean: npt.ArrayLike | None,
    input_scale: npt.ArrayLike | None,
    input_dtype: str,
) -> tuple[Any, Any]:
    """The input, and the same flattened, centred and scaled.

    Args:
        input_shape: of one example.
        input_mean: subtracted from each flattened example, one number per feature; None skips this.
        input_scale: divides each example after that; None skips this.
        input_dtype: "float64" for raw values that float32 can't tell apart: they are centred and
            scaled in float64; what follows computes as usual.

    Returns:
        Keras tensors `(batch, *input_shape)` and `(batch, features)`.

    Raises:
        ValueError: if there is not one mean and one positive scale per feature, or `input_dtype` is
            neither "float32" nor "float64".
    """
    if input_dtype not in ("float32", "float64"):
        raise ValueError(f"received input_dtype={input_dtype!r}; expected 'float32' or 'float64'")
    is_wide = input_dtype == "float64"
    wide = {"dtype": "float64"} if is_wide else {}
    inputs = x = keras.Input(tuple(input_shape), name="features", **wide)
    wide = wide or full_dtype()
    if len(input_shape) > 1:
        x = layers.Flatten(name="flatten", **wide)(x)
    # Two layers, because x / scale - mean / scale loses the digits of a mean that is far from 0.
    if input_mean is not None:
        mean = _per_feature("input_mean", input_mean, input_shape)
        coarse = mean.astype(np.float32).astype(np.float64)
        x = layers.Rescaling(1.0, (-coarse).tolist(), name="centre", **wide)(x)
        if is_wide:
            # Keras reads the numbers of a list as float32: a second layer has what that leaves.
            x = layers.Rescaling(1.0, (coarse - mean).tolist(), name="centre_rest", **wide)(x)
    if input_scale is not None:
        scale = _per_feature("input_scale", input_scale, input_shape)
        if not (scale > 0).all():
            raise ValueError(f"received input_scale={scale.tolist()}; expected positive numbers")
        x = layers.Rescaling((1 / scale).tolist(), name="scale", **wide)(x)
    if is_wide:
        x = layers.Identity(name="narrow")(x)  # casts to what the layers after it compute in
    return inputs, x


def window_input(
    input_shape: tuple[int, ...],
    input_mean: npt.ArrayLike | None,
    input_scale: npt.ArrayLike | None,
    input_dtype: str,
) -> tuple[Any, Any]:
    """`scaled_input` for windows `(time, channels)`, each channel centred and scaled as a whole.

    What happens in a window may happen at any time in it, so that no time has a mean of its own.

    Returns:
        Keras tensors `(batch, time, channels)`, as they come and scaled.

    Raises:
        ValueError: as `scaled_input`; or if an example is no window.
    """
    shape = tuple(input_shape)
    if len(shape) != 2 or None in shape:
        raise ValueError(f"received input_shape={shape}; expected windows, (time, channels)")
    zeros, ones = np.zeros(math.prod(shape)), np.ones(math.prod(shape))
    mean = _per_feature("input_mean", zeros if input_mean is None else input_mean, shape)
    deviation = _per_feature("input_scale", ones if input_scale is None else input_scale, shape)
    mean, deviation = np.reshape(mean, shape), np.reshape(deviation, shape)
    centre = np.broadcast_to(mean.mean(0), shape)
    variance = (deviation**2 + (mean - centre) ** 2).mean(0)
    scale = np.broadcast_to(np.sqrt(variance), shape)
    inputs, flat = scaled_input(
        shape,
        None if input_mean is None else centre.reshape(-1),
        None if input_scale is None else scale.reshape(-1),
        input_dtype,
    )
    return inputs, layers.Reshape(shape, name="windows")(flat)


def _per_feature(
    name: str, values: npt.ArrayLike, input_shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """The constant as an array, once there is a finite number of it for each feature."""
    array, size = np.asarray(values, np.float64), math.prod(input_shape)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(
            f"received {name} of shape {array.shape} for examples of shape {tuple(input_shape)}; "
            f"expected {size} finite numbers"
        )
    return array
