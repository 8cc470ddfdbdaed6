"""Moving averages of the normalisation statistics that the tasks of a step report."""

from typing import Any

import tensorflow as tf


class MovingAverages:
    """Variables that follow the mean over a step's tasks.

    Args:
        averages: a function without arguments that returns `(variable, momentum)` for each average;
            new = momentum * old + (1 - momentum) * mean.
    """

    def __init__(self, averages: Any = list):
        self._averages = averages

    @classmethod
    def of(cls, functions: Any) -> "MovingAverages":
        """The averages that the networks of `NetworkFunction`s keep, one network after another.

        They are asked for each time, because a layer that is frozen later keeps none.
        """
        return cls(lambda: [each for function in functions for each in function.moving_variables()])

    @property
    def variables(self) -> list[Any]:
        return [variable for variable, _ in self._averages()]

    def update(self, means: Any, step: Any) -> None:
        """Moves the averages towards new values.

        Args:
            means: a tensor for each variable, the mean over this replica's tasks.
            step: number of outer-loop steps so far. In the first steps the momentum is smaller, as
                in `tf.train.ExponentialMovingAverage`, so that a short run does not keep the start
                values.
        """
        averages = self._averages()
        if not averages:
            return
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            means = replica.all_reduce(tf.distribute.ReduceOp.MEAN, means)
        for (variable, momentum), mean in zip(averages, means, strict=True):
            step = tf.cast(step, mean.dtype)
            share = 1 - tf.minimum(tf.cast(momentum, mean.dtype), (1 + step) / (10 + step))
            variable.assign(variable + share * (mean - variable))
