"""What a linear head learns windows of sensor data from."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.centred_features import CentredFeatures
from tfmeta.networks.in_parts import computed
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.mini_rocket import MiniRocket
from tfmeta.networks.scaled_input import window_input
from tfmeta.networks.table_features import TableNetworks
from tfmeta.networks.window_figures import WindowFigures


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


def features_of_windows(
    steps: keras.Model, windows: npt.NDArray[np.float32], weights: Sequence[float]
) -> list[keras.Model]:
    """Networks on whose features a head tells windows apart: one for each weight.

    MiniRocket's features find what happens at any time of a window. Beside them stand figures of
    each channel, and how alike windows are in these; see `WindowFigures` and `TableNetworks`.

    Args:
        steps: what `steps_of_windows` makes.
        windows: those that are learned, `(windows, time, channels)`.
        weights: how long the features of the figures are, where MiniRocket's are of length one on
            average; 0 for none.
    """
    full = full_dtype()
    channels = layers.Reshape(steps.input_shape[1:], name="channels", **full)(steps.output)
    rocket, figures = MiniRocket(name="mini_rocket", **full), WindowFigures(name="figures", **full)
    made = [keras.Model(steps.input, layer(channels)) for layer in (rocket, figures)]
    scaled = computed(keras.Model(steps.input, channels), windows)
    for layer in (rocket, figures):
        layer.fit(scaled)
    shares = _centred(made[0], windows)
    alike = TableNetworks(made[1], windows).alike()
    lengths = {network: _length(network, windows) for network in (shares, alike)}
    return [_beside(lengths, weight) for weight in weights]


def _centred(network: keras.Model, windows: npt.NDArray[np.float32]) -> keras.Model:
    """The same network, of a mean of zero and a deviation of about one for the windows."""
    layer = CentredFeatures(name="centred", **full_dtype())
    centred = keras.Model(network.input, layer(network.output))
    layer.fit(computed(network, windows))
    return centred


def _beside(lengths: dict[keras.Model, float], weight: float) -> keras.Model:
    """Features of two networks, by their lengths: of the first one on average, then the weight."""
    wanted = {"shares_as_long": 1.0, "figures_as_long": weight}
    parts = [
        layers.Rescaling(want / length, name=name, **full_dtype())(network.output)
        for (name, want), (network, length) in zip(wanted.items(), lengths.items(), strict=True)
        if want
    ]
    beside = layers.Concatenate(name="windows_and_figures", **full_dtype())
    inputs = next(iter(lengths)).input
    return keras.Model(inputs, beside(parts) if parts[1:] else parts[0], name="windows")


def _length(network: keras.Model, windows: npt.NDArray[np.float32]) -> float:
    """Of its features for these windows, root mean squared."""
    return float(np.sqrt(np.square(computed(network, windows)).sum(-1).mean())) or 1.0
