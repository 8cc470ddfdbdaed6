"""A dense network."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.scaled_input import scaled_input


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
    input_gain: bool = False,
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
        input_gain: whether the layer `input_gain` first multiplies each (scaled) feature by a
            weight, 1 at the start. An inner loop that adapts this layer alone learns which features
            matter less, or not at all, in a task: a motor that is weak, or a sensor that is dead.

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
    inputs, x = scaled_input(input_shape, input_mean, input_scale, input_dtype)
    if input_gain:
        gain = layers.EinsumDense(
            "bi,i->bi", x.shape[1:], kernel_initializer="ones", name="input_gain"
        )
        x = gain(x)
    inputs_as_scaled = x
    for number, size in enumerate(units, 1):
        x = layers.Dense(size, activation=activation, name=f"hidden{number}")(x)
    if linear_path:
        x = layers.Concatenate(name="linear_path")([inputs_as_scaled, x])
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="mlp")
