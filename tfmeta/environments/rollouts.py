"""Trajectories of policies in the environments of some tasks, collected in the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.environments.gaussian_policy import log_probability, sample

Policy = Callable[[tf.Tensor], tf.Tensor]  # observations (tasks, rows, size) -> answers


class Trajectories(NamedTuple):
    """What happened in the tasks: `(tasks, trajectories, steps, ...)` each.

    Attributes:
        observations: what was seen before each action.
        actions: what was done.
        log_probability: the log density of each action under the policy.
        rewards: of each action; 0 after the end of an environment.
        happened: bool, False after the end.
    """

    observations: tf.Tensor
    actions: tf.Tensor
    log_probability: tf.Tensor
    rewards: tf.Tensor
    happened: tf.Tensor


@dataclass(frozen=True)
class Rollouts:
    """Runs policies in environments.

    Attributes:
        environments: an `Environments`; its methods are called outside the graph.
        knows_task: whether a policy sees the task beside the observation.
    """

    environments: Any
    knows_task: bool = False

    def __call__(
        self, policy: Policy, tasks: tf.Tensor, seeds: tf.Tensor, noise: tf.Tensor
    ) -> Trajectories:
        """The trajectories of a policy, which are a function of all that is given.

        Args:
            policy: observations `(tasks, trajectories, size)` -> answers.
            tasks: `(tasks, task size)`.
            seeds: `(tasks, trajectories)`, of where each one begins.
            noise: `(tasks, trajectories, steps, actions)`, standard normal, of the actions.
        """
        number_of, length = int(noise.shape[1]), int(noise.shape[2])
        shape = [tf.shape(seeds)[0], number_of]
        each = tf.repeat(tasks, number_of, 0)  # one environment for each trajectory
        first = self._reset(tf.reshape(seeds, [-1]), each)

        def seen(observations: tf.Tensor) -> tf.Tensor:
            rows = tf.concat([observations, each], -1) if self.knows_task else observations
            return tf.reshape(rows, [*shape, rows.shape[-1]])

        def step(number: tf.Tensor, current: tf.Tensor, goes_on: tf.Tensor, kept: Any) -> Any:
            observed = seen(current)
            answers = policy(observed)
            actions = sample(answers, noise[:, :, number])
            flat = tf.reshape(actions, [-1, actions.shape[-1]])
            following, rewards, has_ended = self._step(flat)
            rewards, happened = (tf.reshape(t, shape) for t in (rewards, goes_on))
            found = (observed, actions, log_probability(answers, actions), rewards, happened)
            kept = [array.write(number, each) for array, each in zip(kept, found, strict=True)]
            return number + 1, following, goes_on & ~has_ended, kept

        types = (tf.float32,) * 4 + (tf.bool,)
        kept = [tf.TensorArray(dtype, length) for dtype in types]
        begun = tf.ones(tf.shape(first)[:1], tf.bool)
        # One at a time, because the environments are the same ones at each step.
        *_, kept = tf.while_loop(
            lambda number, *_: number < length,
            step,
            (0, first, begun, kept),
            parallel_iterations=1,
        )
        return Trajectories(*(_tasks_first(array.stack(), number_of, length) for array in kept))

    def _reset(self, seeds: tf.Tensor, tasks: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(self.environments.reset, (seeds, tasks), tf.float32)
        return tf.ensure_shape(found, [None, self.environments.observation_size])

    def _step(self, actions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        types = (tf.float32, tf.float32, tf.bool)
        following, rewards, ended = tf.numpy_function(self.environments.step, (actions,), types)
        shape = [None, self.environments.observation_size]
        return (
            tf.ensure_shape(following, shape),
            tf.ensure_shape(rewards, [None]),
            tf.ensure_shape(ended, [None]),
        )


def _tasks_first(x: tf.Tensor, number: int, length: int) -> tf.Tensor:
    """`(steps, tasks, trajectories, ...)` -> `(tasks, trajectories, steps, ...)`."""
    x = tf.transpose(x, [1, 2, 0, *range(3, len(x.shape))])
    return tf.ensure_shape(x, [None, number, length, *x.shape[3:]])
