"""Layers whose weights follow in closed form from examples, without their labels."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.in_parts import computed

_MOST = 1000  # examples that say enough


class FittedLayer(layers.Layer):
    """A layer with a method `fit`, as Keras's `Normalization` has `adapt`."""

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Sets the weights.

        Args:
            x: what the layer is called with, of all examples.
        """
        raise NotImplementedError


def is_fitted(network: keras.Model) -> bool:
    """Whether a network has layers that are fitted."""
    return any(isinstance(each, FittedLayer) for each in network.layers)


def fit_layers(network: keras.Model, examples: npt.NDArray[Any]) -> None:
    """Fits those layers of a network that can be, each on what the layers before it make.

    `tfmeta train` does it with the training examples before anything else.

    Args:
        network: a model that Keras's functional interface made.
        examples: `(examples, ...)`, as the network takes them; of more than 1,000, these many are
            taken, evenly spaced.

    Raises:
        ValueError: if there is no example, or one is not finite.

    Example:

    >>> windows = np.random.default_rng(0).normal(size=(20, 32, 3))
    >>> network = tfmeta.networks.rocket((32, 3), None)
    >>> fit_layers(network, windows)
    """
    examples = np.asarray(examples)
    if not len(examples) or not np.isfinite(examples).all():
        what = "some that are not finite" if len(examples) else "no examples"
        raise ValueError(f"received {what}; expected finite examples to fit layers to")
    if len(examples) > _MOST:
        examples = examples[np.linspace(0, len(examples) - 1, _MOST).astype(int)]
    for layer in network.layers:  # in the order in which they are called
        if isinstance(layer, FittedLayer):
            before = computed(keras.Model(network.input, layer.input), examples)
            layer.fit(before.astype(layer.compute_dtype))
