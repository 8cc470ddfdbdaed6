"""One pass through the networks of a learner without inner steps, and how it normalises."""

from tfmeta.learners.network_function import NetworkFunction


class ForwardPass:
    """Runs networks, each once, with batch statistics or with their moving averages.

    Args:
        batch_statistics: normalise with the statistics of what is passed through: in training,
            where they are kept for the moving averages, and in the transductive mode.
    """

    def __init__(self, *, batch_statistics: bool):
        self._batch_statistics = batch_statistics
        self._statistics = {}

    @property
    def batch_statistics(self) -> bool:
        """Whether what is passed through together depends on one another."""
        return self._batch_statistics

    def __call__(self, function: NetworkFunction, x, *, weights=None):
        """The network's outputs for `x` `(examples, ...)`; `weights` by name replace its own."""
        weights = function.weights_with(weights or {})
        if not self._batch_statistics:
            return function.with_statistics(weights, function.moving_statistics(), x)
        outputs, self._statistics[function] = function.with_batch_statistics(weights, x)
        return outputs

    def statistics(self, functions: list[NetworkFunction]) -> list:
        """What was seen on the way, in the order of the functions' moving averages."""
        return [tensor for function in functions for tensor in self._statistics[function]]
