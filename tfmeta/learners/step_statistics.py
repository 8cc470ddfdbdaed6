"""Moving averages of the normalisation statistics for each inner step (MAML++)."""

from typing import Any

import keras
import tensorflow as tf


class StepStatistics:
    """One row of averages for the weights before the first step, and one after each step.

    Antoniou et al. 2019, https://arxiv.org/abs/1810.09502, "Per-Step Batch Normalization Running
    Statistics": a single average over all inner steps would mix the statistics of different
    weights.

    Args:
        learner: the learner to which the variables belong.
        num_steps: number of inner steps in training; later steps use the last row.
    """

    def __init__(self, learner: keras.Model, num_steps: int):
        self._last = num_steps
        self.averages = [
            (
                learner.add_weight(
                    shape=(num_steps + 1, *variable.shape),
                    initializer=_everywhere(variable),
                    trainable=False,
                    name=f"step_{name}",
                ),
                momentum,
            )
            for name, (variable, momentum) in zip(
                learner.function.statistic_names, learner.function.moving_variables(), strict=True
            )
        ]

    def at(self, step: Any) -> list[tf.Tensor]:
        """The averages for the weights after `step` steps, in the order of `statistic_names`."""
        row = tf.minimum(step, self._last)
        return [tf.gather(tf.convert_to_tensor(v), row) for v, _ in self.averages]

    @staticmethod
    def rows(seen: list[Any]) -> list[tf.Tensor]:
        """A task's statistics, one list per step, as new values for the averages."""
        return [tf.stack(rows) for rows in zip(*seen, strict=True)]


def _everywhere(variable: Any) -> Any:
    """An initializer that fills each row with the start value of the network's own average."""
    return lambda shape, dtype=None: tf.broadcast_to(tf.cast(variable, dtype), shape)
