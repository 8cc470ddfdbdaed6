"""Moving averages of normalisation statistics, fed by what the tasks of a step report."""

import tensorflow as tf


class MovingAverages:
    """Variables that follow the mean over a step's tasks.

    Args:
        averages: a function without arguments -> `(variable, momentum)` of each;
            new = momentum * old + (1 - momentum) * mean.
    """

    def __init__(self, averages=list):
        self._averages = averages

    @classmethod
    def of(cls, functions) -> "MovingAverages":
        """Those that the networks of some `NetworkFunction`s keep, one network after another.

        They are asked for each time: a layer that is frozen later keeps none.
        """
        return cls(lambda: [each for function in functions for each in function.moving_variables()])

    @property
    def variables(self) -> list:
        return [variable for variable, _ in self._averages()]

    def update(self, means, step) -> None:
        """Takes the next values.

        Args:
            means: a tensor for each variable, the mean over this replica's tasks.
            step: outer-loop steps so far. In the first ones the momentum is smaller, as in
                `tf.train.ExponentialMovingAverage`: a short run is not left with the start values.
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
