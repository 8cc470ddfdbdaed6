"""The network of a policy: what action an observation calls for, and how much is left to chance."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.gaussian_head import GaussianHead
from tfmeta.networks.scaled_input import scaled_input


def policy(
    input_shape: tuple[int, ...] = (2,),
    num_outputs: int | None = 4,
    *,
    hidden: Sequence[int] = (100, 100),
    activation: str | Callable[[Any], Any] = "relu",
    initial_deviation: float = 1.0,
    action_centre: Sequence[float] | None = None,
    action_scale: Sequence[float] | None = None,
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """A dense network for a Gaussian policy, as in Finn et al. 2017, section 5.3.

    The first half of its outputs are the means of the actions, the second half the logarithms of
    their deviations. These are weights that do not depend on the observation, as in Finn et al.'s
    and Duan et al.'s code; an inner loop adapts them like any other.

    Args:
        input_shape: of one observation; more than one dimension is flattened.
        num_outputs: two for each number of an action; None for no head.
        hidden: units of the hidden layers.
        activation: of the hidden layers.
        initial_deviation: of each number of an action before training, in the unit of its scale.
        action_centre, action_scale: one number for each of an action: the middle and half of the
            width of its bounds, which the pipeline gym gives. The weights are of actions from -1
            to 1, as in the papers' code, and the outputs in the environment's unit. None skips it.
        input_mean, input_scale, input_dtype: as in `mlp`.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`; without a head the last hidden
        layer.

    Raises:
        ValueError: if `num_outputs` is odd, the deviation is not positive, or as in `mlp`.

    Example:

    >>> policy((17,), num_outputs=12).output_shape
    (None, 12)
    """
    if num_outputs is not None and (num_outputs < 2 or num_outputs % 2):
        raise ValueError(
            f"received num_outputs={num_outputs} for the network policy; expected a mean and a "
            "deviation for each number of an action: 2, 4, ... It is for the pipeline gym; "
            "--network mlp takes any number"
        )
    inputs, x = scaled_input(input_shape, input_mean, input_scale, input_dtype)
    for number, size in enumerate(hidden, 1):
        x = layers.Dense(size, activation=activation, name=f"hidden{number}")(x)
    if num_outputs is not None:
        head = GaussianHead(
            num_outputs // 2,
            initial_deviation=initial_deviation,
            centre=action_centre,
            scale=action_scale,
            name="head",
        )
        x = head(x)
    return keras.Model(inputs, x, name="policy")
