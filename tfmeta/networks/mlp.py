"""A dense network."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers


def mlp(
    input_shape: tuple[int, ...] = (1,),
    num_outputs: int | None = 1,
    *,
    units: Sequence[int] = (40, 40),
    activation: str | Callable[[Any], Any] = "relu",
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
    linear_path: bool = False,
) -> keras.Model:
    """A dense network; 1-40-40-1 is the sinusoid network of Finn et al. 2017, section 5.1.

    Args:
        input_shape: of one example; more than one dimension is flattened.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        units: of the hidden layers.
        activation: of the hidden layers.
        input_mean: subtracted from each (flattened) example first, one number per feature; None
            skips this.
        input_scale: divides each example after that. Neither is learned, so an export takes raw
            values.
        input_dtype: "float64" for raw values that float32 can't tell apart, such as Unix times:
            they are centred and scaled in float64; the other layers compute as usual.
        linear_path: whether the head also takes the (scaled) features of the example, beside the
            last hidden layer's. What is linear in them then needs no hidden unit.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`; without a head it returns what the
        head would take.

    Raises:
        ValueError: if there is not one mean and one positive scale per feature, or `input_dtype` is
            neither.

    Example:

    >>> mlp((3,), num_outputs=2, units=(16, 16)).count_params()
    370
    """
    if input_dtype not in ("float32", "float64"):
        raise ValueError(f"received input_dtype={input_dtype!r}; expected 'float32' or 'float64'")
    wide = {"dtype": "float64"} if input_dtype == "float64" else {}
    inputs = x = keras.Input(tuple(input_shape), name="features", **wide)
    if len(input_shape) > 1:
        x = layers.Flatten(name="flatten", **wide)(x)
    # Two layers, because x / scale - mean / scale loses the digits of a mean that is far from 0.
    if input_mean is not None:
        mean = _a_feature("input_mean", input_mean, input_shape)
        coarse = mean.astype(np.float32).astype(np.float64)
        x = layers.Rescaling(1.0, (-coarse).tolist(), name="centre", **wide)(x)
        if wide:
            # Keras reads the numbers of a list as float32: a second layer has what that leaves.
            x = layers.Rescaling(1.0, (coarse - mean).tolist(), name="centre_rest", **wide)(x)
    if input_scale is not None:
        scale = _a_feature("input_scale", input_scale, input_shape)
        if not (scale > 0).all():
            raise ValueError(f"received input_scale={scale.tolist()}; expected positive numbers")
        x = layers.Rescaling((1 / scale).tolist(), name="scale", **wide)(x)
    if wide:
        x = layers.Identity(name="narrow")(x)  # casts to what the layers after it compute in
    inputs_as_scaled = x
    for number, size in enumerate(units, 1):
        x = layers.Dense(size, activation=activation, name=f"hidden{number}")(x)
    if linear_path:
        x = layers.Concatenate(name="linear_path")([inputs_as_scaled, x])
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="mlp")


def _a_feature(
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
