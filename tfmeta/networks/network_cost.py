"""What a network costs per example."""

import math
from typing import NamedTuple

import keras

from tfmeta.keras_internals import layers_of


class NetworkCost(NamedTuple):
    """The size of a network and the work of one example.

    Attributes:
        parameters: of all its weights, those that are not trained included.
        multiplications: of its convolutions and dense layers, for one example. Normalisation isn't
            counted, because its factors can be part of the kernels.
    """

    parameters: int
    multiplications: int


def cost_of(network: keras.Model) -> NetworkCost:
    """The cost of a network whose layers are each called once, on inputs of a fixed size."""
    total = 0
    for layer in layers_of(network):
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            positions = layer.output.shape[1:-1]  # each of them multiplies the whole kernel
            total += math.prod(kernel.shape) * math.prod(positions)
    return NetworkCost(network.count_params(), total)
