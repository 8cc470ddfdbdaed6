"""One pass through the networks of a learner that takes no inner steps."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.learners.network_function import NetworkFunction

# What the layers of a network hold of thousands of examples would fill the memory.
_AT_ONCE = 64


class ForwardPass:
    """Runs networks, each once, with batch statistics or with their moving averages.

    Args:
        batch_statistics: whether to normalise with the statistics of the examples that are passed.
            It is True in training, where the statistics are kept for the moving averages, and in
            the transductive mode.
    """

    def __init__(self, *, batch_statistics: bool):
        self._batch_statistics = batch_statistics
        self._statistics: dict[NetworkFunction, list[tf.Tensor]] = {}

    @property
    def batch_statistics(self) -> bool:
        """Whether the outputs for examples that are passed together depend on each other."""
        return self._batch_statistics

    def __call__(
        self, function: NetworkFunction, x: tf.Tensor, *, weights: dict[str, Any] | None = None
    ) -> Any:
        """The network's outputs for `x` `(examples, ...)`; `weights`, by name, replace its own."""
        values = function.weights_with(weights or {})
        if not self._batch_statistics:
            return function.with_statistics(values, function.moving_statistics(), x)
        outputs, self._statistics[function] = function.with_batch_statistics(values, x)
        return outputs

    def in_parts(self, embed: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        """`embed` of examples `(examples, ...)`, of not too many at once.

        All are together where the outputs depend on each other, and in a graph, which would have
        the network once per part.
        """
        number = x.shape[0]
        if self._batch_statistics or not tf.executing_eagerly() or number <= _AT_ONCE:
            return embed(x)
        starts = range(0, number, _AT_ONCE)
        return tf.concat([embed(x[start : start + _AT_ONCE]) for start in starts], 0)

    def statistics(self, functions: list[NetworkFunction]) -> list[Any]:
        """The statistics of the passes, in the order of the functions' moving averages."""
        return [tensor for function in functions for tensor in self._statistics[function]]
