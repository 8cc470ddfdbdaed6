"""A network run by Keras alone, its variables assigned: what answers are checked with."""

import contextlib

from tfmeta.keras_internals import as_in_inference
from tfmeta.learners.computing_dtype import full


class PlainNetwork:
    """Calls a network as any Keras user would, and undoes afterwards what that changed.

    Nothing of `NetworkFunction` is used but which variables are moving averages: no stateless
    call, no names, no task state. An export is compared with it, so that a fault of theirs shows.

    Args:
        network: a built `keras.Model`.
        function: its NetworkFunction.
    """

    def __init__(self, network, function):
        self._network, self._function = network, function

    @contextlib.contextmanager
    def borrowed(self):
        """Inside, the variables may be assigned; afterwards they are as they were."""
        kept = [(variable, variable.numpy()) for variable in self._network.variables]
        _, resting = self._function.state_for_probes()
        try:
            with as_in_inference(resting):
                yield self
        finally:
            for variable, value in kept:
                variable.assign(value)

    def __call__(self, x, *, training=False):
        """`(examples, ...)` -> the network's outputs."""
        return full(self._network(x, training=training))

    def take_statistics_of(self, x):
        """From now on, inference normalises with the statistics of `x` `(examples, ...)`."""
        averages = self._function.moving_variables()
        self.assign_statistics([0 * variable for variable, _ in averages])
        self(x, training=True)
        self.assign_statistics([variable / (1 - momentum) for variable, momentum in averages])

    def assign_statistics(self, values):
        for (variable, _), value in zip(self._function.moving_variables(), values, strict=True):
            variable.assign(value)
