"""What a linear head learns windows of sensor data from."""

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.in_parts import computed
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.mini_rocket import LENGTH, MiniRocket
from tfmeta.networks.scaled_input import window_input

_LEAST = 0.03  # of a deviation: a share that hardly differs among the windows says little


def are_windows(input_shape: tuple[int, ...]) -> bool:
    """Whether an example is `(time, channels)`, and long enough for convolutions."""
    return len(input_shape) == 2 and input_shape[0] >= LENGTH


def steps_of_windows(
    input_shape: tuple[int, ...],
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
) -> keras.Model:
    """`(batch, time, channels) -> (batch, time * channels)`, each channel scaled as a whole.

    Args: see `window_input`.
    """
    inputs, x = window_input(input_shape, input_mean, input_scale, input_dtype)
    return keras.Model(inputs, layers.Flatten(name="steps", **full_dtype())(x), name="steps")


def features_of_windows(steps: keras.Model, windows: npt.NDArray[np.float32]) -> keras.Model:
    """A network on whose features a head tells windows apart: MiniRocket's, centred and scaled.

    They find what happens at any time of a window.

    Args:
        steps: what `steps_of_windows` makes.
        windows: those that are learned, `(windows, time, channels)`.
    """
    full = full_dtype()
    scaled = layers.Reshape(steps.input_shape[1:], name="channels", **full)(steps.output)
    rocket = MiniRocket(name="mini_rocket", **full)
    shares = rocket(scaled)
    rocket.fit(computed(keras.Model(steps.input, scaled), windows))
    made = computed(keras.Model(steps.input, shares), windows)
    scale = 1 / (made.std(0) + _LEAST)
    centred = layers.Rescaling(
        scale.tolist(), (-made.mean(0) * scale).tolist(), name="centred", **full
    )(shares)
    return keras.Model(steps.input, centred, name="windows")
