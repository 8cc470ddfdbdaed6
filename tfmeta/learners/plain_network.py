"""A network that Keras alone runs, to check answers with."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tfmeta.keras_internals import running_as
from tfmeta.learners.computing_dtype import full


class PlainNetwork:
    """Calls a network as any Keras user would, and undoes the changes afterwards.

    From `NetworkFunction` it takes only which variables are moving averages; there are no stateless
    calls, names or task states. Exports are compared with it, so that faults in these show.

    Args:
        network: a built `keras.Model`.
        function: its NetworkFunction.
    """

    def __init__(self, network: keras.Model, function: Any):
        self._network, self._function = network, function

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Any]:
        """Lets its body assign the variables, and restores them afterwards."""
        kept = [(variable, variable.numpy()) for variable in self._network.variables]
        try:
            with running_as(self._function.random_layers, training=False):
                yield self
        finally:
            for variable, value in kept:
                variable.assign(value)

    def __call__(self, x: tf.Tensor, *, training: bool = False) -> Any:
        """`(examples, ...)` -> the network's outputs."""
        return full(self._network(x, training=training))

    def take_statistics_of(self, x: tf.Tensor) -> None:
        """From now on, inference normalises with the statistics of `x` `(examples, ...)`."""
        averages = self._function.moving_variables()
        self.assign_statistics([0 * variable for variable, _ in averages])
        self(x, training=True)
        self.assign_statistics([variable / (1 - momentum) for variable, momentum in averages])

    def assign_statistics(self, values: Any) -> None:
        for (variable, _), value in zip(self._function.moving_variables(), values, strict=True):
            variable.assign(value)
