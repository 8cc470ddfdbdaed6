"""A dense network that searches for the width and the activation of each hidden layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.found_structure import PREFIX, Choice, Connection, SearchSpace
from tfmeta.networks.mixed_operation import MixedOperation
from tfmeta.networks.mlp import mlp
from tfmeta.networks.scaled_input import scaled_input

_SCALING = {"input_mean": None, "input_scale": None, "input_dtype": "float32"}


def search_units(
    input_shape: tuple[int, ...] = (1,),
    num_outputs: int | None = 1,
    *,
    num_layers: int = 2,
    widths: Sequence[int] = (10, 20, 40),
    activations: Sequence[str] = ("relu", "tanh", "elu", "silu"),
    final_temperature: float = 0.1,
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """A dense network whose hidden layers are weighted sums: `tfmeta derive` takes the best.

    Each hidden layer is a weighted sum of dense layers of several widths, the narrower ones
    followed by zeros, and then a weighted sum of activations of that. The layers
    `structure_hiddenN_width` and `structure_hiddenN_activation` (`MixedOperation`) have the
    weights; see `search_cells`.

    Args:
        input_shape: of one example; more than one dimension is flattened.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        num_layers: how many hidden layers.
        widths: candidates, each a number of units.
        activations: candidates, names of activations of Keras; the default ones keep a zero.
        final_temperature: as in `search_cells`.
        input_mean, input_scale, input_dtype: as in `mlp`.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`; without a head the last hidden
        layer.

    Raises:
        ValueError: if a candidate is unknown or there are fewer than two of a kind, a number is not
            positive, or as in `mlp`.

    Example:

    >>> search_units((3,), num_outputs=2).output_shape
    (None, 2)
    """
    for number in (num_layers, *widths):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(
                f"received num_layers={num_layers!r}, widths={widths!r}; expected whole numbers "
                "from 1 up"
            )
    inputs, x = scaled_input(input_shape, input_mean, input_scale, input_dtype)

    def mixed(names: Sequence[str], place: str) -> MixedOperation:
        return MixedOperation(names, final_temperature=final_temperature, name=PREFIX + place)

    for number in range(1, num_layers + 1):
        hidden = f"hidden{number}"
        dense = [layers.Dense(width, name=f"{hidden}_{width}")(x) for width in widths]
        x = mixed([str(width) for width in widths], f"{hidden}_width")(dense)
        active = [layers.Activation(each, name=f"{hidden}_{each}")(x) for each in activations]
        x = mixed(activations, f"{hidden}_activation")(active)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="search_units")


def _derived(
    choices: Sequence[Choice],
    input_shape: tuple[int, ...],
    *,
    parameters: int | None = None,
    **options: Any,
) -> keras.Model:
    """The dense network of the widths and activations found, without a head.

    Raises:
        ValueError: if parameters are given, because the widths that were found decide them.
    """
    if parameters is not None:
        raise ValueError(
            f"received parameters={parameters}; the widths that search_units finds decide them. "
            "Leave it out"
        )
    scaling: list[Any] = [options.get(name, default) for name, default in _SCALING.items()]
    inputs, x = scaled_input(input_shape, *scaling)
    for connection in _shown(choices):
        width, activation = connection.operation.split(" ")
        x = layers.Dense(int(width), activation=activation, name=connection.target)(x)
    return keras.Model(inputs, x, name="derived_units")


def _shown(choices: Sequence[Choice]) -> list[Connection]:
    """One connection for each hidden layer, with the operation "WIDTH ACTIVATION"."""
    found = {choice.place: choice.operation for choice in choices}
    names = [f"hidden{number}" for number in range(1, len(found) // 2 + 1)]
    sources = ["input", *names]
    return [
        Connection(source, name, f"{found[f'{name}_width']} {found[f'{name}_activation']}")
        for source, name in zip(sources, names, strict=False)
    ]


def _kept(choices: Sequence[Choice]) -> list[Choice]:
    """All of them, by layer, the width before the activation."""
    found = {choice.place: choice for choice in choices}
    numbers = range(1, len(found) // 2 + 1)
    return [found[f"hidden{n}_{kind}"] for n in numbers for kind in ("width", "activation")]


SPACE = SearchSpace(build=_derived, reference=mlp, kept=_kept, connections=_shown)
