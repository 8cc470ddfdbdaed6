"""Targets of kind "actions": what a policy did at each step, and what came of it, in columns."""

import tensorflow as tf

from tfmeta.environments.policy_columns import PolicyColumns


class PolicyTargets(PolicyColumns):
    """The columns of targets in a graph.

    After those that a client gives comes the advantage of the action. Targets of queries then have
    one more column for each number of inner steps after which a policy was tried: its rewards. The
    other columns are of the last of these policies.
    """

    def joined(
        self,
        actions: tf.Tensor,
        log_probability: tf.Tensor,
        rewards: tf.Tensor,
        steps: tf.Tensor,
        advantages: tf.Tensor,
    ) -> tf.Tensor:
        """Targets of their columns: `(..., rows, actions)` and `(..., rows)` each."""
        columns = (log_probability, rewards, steps, advantages)
        return tf.concat([actions, *(each[..., tf.newaxis] for each in columns)], -1)

    def actions(self, y: tf.Tensor) -> tf.Tensor:
        """What was done, `(..., rows, actions)`."""
        return y[..., : self.num_actions]

    def log_probability(self, y: tf.Tensor) -> tf.Tensor:
        """The log density of the action under the policy that acted, `(..., rows)`."""
        return y[..., self.num_actions]

    def rewards(self, y: tf.Tensor, tried: int | None = None) -> tf.Tensor:
        """The reward of each step, `(..., rows)`.

        Args:
            y: the targets.
            tried: the number of a policy among those that were tried; None for the one that acted.
        """
        return y[..., self.num_actions + 1 if tried is None else self.given + 1 + tried]

    def steps(self, y: tf.Tensor) -> tf.Tensor:
        """The number of each step in its trajectory, from 0, `(..., rows)`."""
        return y[..., self.num_actions + 2]

    def advantages(self, y: tf.Tensor) -> tf.Tensor:
        """How much better each action was than the baseline expects, `(..., rows)`."""
        return y[..., self.given]

    def num_tried(self, y: tf.Tensor) -> int:
        """How many policies were tried."""
        return int(y.shape[-1]) - self.given - 1

    def mean_return(self, y: tf.Tensor, tried: int | None = None) -> tf.Tensor:
        """The mean over the trajectories of the sum of their rewards, a scalar.

        Args:
            y: `(rows, columns)`.
            tried: see `rewards`.
        """
        number = tf.reduce_sum(tf.cast(begins(self.steps(y)), y.dtype))
        return tf.reduce_sum(self.rewards(y, tried)) / number


def begins(steps: tf.Tensor) -> tf.Tensor:
    """Which rows begin a trajectory: those that do not follow from the row before, bool.

    Args:
        steps: `(..., rows)`, the number of each step in its trajectory.
    """
    before = tf.concat([steps[..., :1] - 2, steps[..., :-1]], -1)
    return tf.not_equal(steps, before + 1)
