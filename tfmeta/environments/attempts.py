"""What a policy does in some tasks before and after it adapts, as episodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.environments.credit import advantages
from tfmeta.environments.environments import Environments
from tfmeta.environments.policies import Policies
from tfmeta.environments.policy_loss import PolicyLoss
from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.environments.rollouts import Rollouts, Trajectories


class Attempts(NamedTuple):
    """What was done in some tasks.

    Attributes:
        tasks: `(tasks, task size)`.
        support: the support sets as examples and targets, `(tasks, rows, ...)`.
        tried: what the policy then did after each number of inner steps.
    """

    tasks: tf.Tensor
    support: tuple[tf.Tensor, tf.Tensor]
    tried: dict[int, Trajectories]


@dataclass(frozen=True)
class Acting:
    """How trajectories are made and credited.

    Attributes:
        environments: the tasks.
        loss: whose `discount` and `gae_lambda` the advantages take.
        knows_task: whether the policy sees the task.
        epochs: how many steps of training are taken on each batch of episodes.
    """

    environments: Environments
    loss: PolicyLoss
    knows_task: bool
    epochs: int = 1

    @property
    def columns(self) -> PolicyTargets:
        return PolicyTargets(self.environments.action_size)

    def attempts(
        self,
        tasks: tf.Tensor,
        chance: Sequence[tuple[tf.Tensor, tf.Tensor]],
        policies: Policies | None,
        *,
        in_training: bool,
    ) -> Attempts:
        """Acts in tasks, adapts to what came of it, and acts again.

        Args:
            tasks: `(tasks, task size)`.
            chance: for the support set and the queries each the seeds and the noise, see
                `Rollouts`.
            policies: that act; None acts at random.
            in_training: see `Policies.adapted`.
        """
        run = Rollouts(self.environments, self.knows_task)
        act = self._at_random if policies is None else policies.before
        support = self.examples(run(act, tasks, *chance[0]))
        done = list(support)
        states: dict[int, Any] = {0: None}
        if policies is not None:
            states = policies.adapted(*support, in_training=in_training)
        tried: dict[int, Trajectories] = {}
        for steps, each in states.items():
            if policies is not None:
                act = partial(policies.after, each)
            # One after another, because the environments are the same ones.
            with tf.control_dependencies(done):
                tried[steps] = run(act, tasks, *chance[1])
            done = [tried[steps].rewards]
        return Attempts(tasks, support, tried)

    def episodes(self, found: Attempts) -> tuple[tf.Tensor, ...]:
        """The parts of an Episode: `(tasks, rows, ...)`.

        If there were inner steps, the queries' targets have the rewards after each number of them.
        """
        *_, last = found.tried.values()
        query_x, query_y = self.examples(last)
        if [*found.tried] != [0]:
            rewards = [_rows(each.rewards)[..., tf.newaxis] for each in found.tried.values()]
            query_y = tf.concat([query_y, *rewards], -1)
        return (*found.support, query_x, query_y)

    def examples(self, found: Trajectories) -> tuple[tf.Tensor, tf.Tensor]:
        """Trajectories as examples and targets, `(tasks, rows, ...)`."""
        length = self.environments.horizon
        steps = tf.broadcast_to(tf.range(length, dtype=tf.float32), tf.shape(found.rewards))
        observations, actions, log_probability, rewards, happened, steps = (
            _rows(t) for t in (*found, steps)
        )
        credit = advantages(
            observations,
            rewards,
            steps,
            happened=happened,
            discount=self.loss.discount,
            gae_lambda=self.loss.gae_lambda,
        )
        y = self.columns.joined(actions, log_probability, rewards, steps, credit)
        return observations, y

    def _at_random(self, observations: tf.Tensor) -> tf.Tensor:
        shape, outputs = tf.shape(observations)[:2], 2 * self.environments.action_size
        return tf.ensure_shape(tf.zeros([shape[0], shape[1], outputs]), [None, None, outputs])


def _rows(x: tf.Tensor) -> tf.Tensor:
    """`(tasks, trajectories, steps, ...)` -> `(tasks, rows, ...)`."""
    return tf.reshape(x, [tf.shape(x)[0], x.shape[1] * x.shape[2], *x.shape[3:]])
