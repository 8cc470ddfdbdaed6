"""A controller that plans with a model of what actions change, and adapts it at each step."""

from collections import deque
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.control.cross_entropy import Bounds, CrossEntropy, is_whole
from tfmeta.control.dynamics import dynamics_of
from tfmeta.control.models import checked_observation
from tfmeta.errors import UserError, listed

Reward = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


class Controller:
    """Chooses actions by model-predictive control; the model adapts to the last transitions.

    At each step the model adapts to at most `memory` transitions, the latest ones. The
    cross-entropy method searches the sequence of actions with the largest sum of predicted rewards,
    and its first action is the answer. The next search begins with the rest of the sequence. All of
    it is one TensorFlow function. Without a transition there is nothing to adapt to, so that the
    first action is drawn at random. Nagabandi et al. 2019, https://arxiv.org/abs/1803.11347,
    algorithm 2, with this search in place of random shooting.

    Args:
        model: the directory of a run, an export of kind `learner` or `generator`, a learner, or a
            `Dynamics`. Its examples are observations with actions, and its values the changes of
            observations, as in the pipeline `transitions`.
        reward: a function of TensorFlow, of observations `(n, observation size)`, actions
            `(n, actions)` and next observations, that returns the rewards `(n,)`.
        bounds: the least and the most of each action: `Bounds`, or a pair of vectors.
        memory: how many transitions it adapts to at most.
        seed: of the first action and the search. With it the actions are a function of the
            observations.
        **search: the arguments of `CrossEntropy`: `horizon`, `candidates`, `elites`, `iterations`,
            `smoothing`.

    Raises:
        UserError: if the model is none, or the sizes of actions don't fit it; see also
            `CrossEntropy` and `Bounds`.

    Example:

    >>> from tfmeta.control import Controller, Dynamics
    >>> class Point(Dynamics):
    ...     input_size, observation_size = 2, 1
    ...     def adapt(self, support_x, support_y):
    ...         return {}
    ...     def changes(self, task_state, query_x):
    ...         return query_x[:, 1:]
    >>> def near_three(observation, action, following):
    ...     return -tf.abs(following[:, 0] - 3)
    >>> controller = Controller(Point(), near_three, ([-1.0], [1.0]), horizon=3)
    >>> place = np.zeros(1)
    >>> for step in range(8):
    ...     place = place + controller.act(place)
    >>> bool(abs(place - 3) < 0.2)
    True
    """

    def __init__(
        self,
        model: Any,
        reward: Reward,
        bounds: Any,
        *,
        memory: int = 16,
        seed: int = 0,
        **search: Any,
    ):
        known = [each.name for each in fields(CrossEntropy)]
        if unknown := [name for name in search if name not in known]:
            raise UserError(
                f"received {listed(unknown)}; expected some of: memory, seed, {listed(known, None)}"
            )
        if not is_whole(memory) or memory < 1:
            raise UserError(f"received memory={memory!r}; expected a whole number from 1")
        if not is_whole(seed) or not 0 <= seed < 2**31:
            raise UserError(f"received seed={seed!r}; expected a whole number from 0 to below 2^31")
        if not callable(reward):
            raise UserError(
                f"received reward={reward!r}; expected a function of observations, actions and "
                "next observations"
            )
        self._model, self._reward, self._seed = dynamics_of(model), reward, seed
        self._bounds = bounds if isinstance(bounds, Bounds) else Bounds.of(bounds)
        self._search = CrossEntropy(**search)
        observation_size, expected = self._model.observation_size, self._model.input_size
        if observation_size + self._bounds.size != expected:
            raise UserError(
                f"received bounds of {self._bounds.size} actions for a model of {expected} inputs, "
                f"of which {observation_size} are the observation; expected bounds of "
                f"{expected - observation_size}"
            )
        self._plan = tf.function(self._planned, input_signature=self._specs(), autograph=False)
        self._transitions: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=int(memory))
        self.reset()

    def reset(self) -> None:
        """Forgets all transitions: the next observation begins an episode."""
        self._transitions.clear()
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._step = 0
        self._actions = np.tile(self._bounds.centre, (self._search.horizon, 1))

    def act(self, observation: Any) -> np.ndarray:
        """The action to take now, float32 `(actions,)`.

        The observation is taken for what followed from the last action that was returned.

        Args:
            observation: `(observation size,)`.

        Raises:
            UserError: if it has another shape or is not finite, or no sequence of actions has a
                finite reward.
        """
        observation = checked_observation(observation, self._model.observation_size)
        if self._last is not None:
            before, action = self._last
            self._transitions.append((np.concatenate([before, action]), observation - before))
        if self._transitions:
            action = self._planned_action(observation)
        else:
            draw = np.random.default_rng(self._seed).uniform(self._bounds.low, self._bounds.high)
            action = draw.astype(np.float32)
        self._last, self._step = (observation, action), self._step + 1
        return action

    def _planned_action(self, observation: np.ndarray) -> np.ndarray:
        x, y = (np.stack(each).astype(np.float32) for each in zip(*self._transitions, strict=True))
        seed = np.array([self._seed, self._step], np.int32)
        actions, worst = self._plan(x, y, observation.astype(np.float32), self._actions, seed)
        if not np.isfinite(worst):
            raise UserError(
                f"fewer than {self._search.num_elites} of {self._search.candidates} sequences of "
                "actions have a finite reward by the model; expected finite predictions and a "
                "reward that is finite for them. Lower horizon, or train the model on such "
                "observations"
            )
        rest = actions.numpy()[1:]
        self._actions = np.concatenate([rest, self._bounds.centre[np.newaxis]])
        return actions.numpy()[0]

    # In the graph

    def _specs(self) -> list[tf.TensorSpec]:
        observation, inputs = self._model.observation_size, self._model.input_size
        sequence = (self._search.horizon, self._bounds.size)
        sizes = [(None, inputs), (None, observation), (observation,), sequence]
        return [tf.TensorSpec(size) for size in sizes] + [tf.TensorSpec((2,), tf.int32)]

    def _planned(
        self, x: tf.Tensor, y: tf.Tensor, observation: tf.Tensor, mean: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        task_state = self._model.adapt(x, y)

        def value_of(actions: tf.Tensor) -> tf.Tensor:
            return self._predicted_return(task_state, observation, actions)

        return self._search.best(value_of, self._bounds, mean, seed=seed)

    def _predicted_return(
        self, task_state: Any, observation: tf.Tensor, actions: tf.Tensor
    ) -> tf.Tensor:
        """The sum of the predicted rewards of each sequence, `(candidates,)`.

        It is NaN after a prediction that is not finite. The sequence then goes on from before it,
        because an export refuses such numbers, and with them all other sequences.
        """
        number = self._search.candidates
        by_step = tf.transpose(actions, [1, 0, 2])
        start = tf.tile(observation[tf.newaxis], (number, 1))

        def step(number_of_step: Any, now: Any, total: Any) -> Any:
            action = by_step[number_of_step]
            change = self._model.changes(task_state, tf.concat([now, action], 1))
            following = now + tf.ensure_shape(change, now.shape)
            reward = _checked_reward(self._reward(now, action, following), number)
            is_good = tf.reduce_all(tf.math.is_finite(following), 1)
            total += tf.where(is_good, reward, np.nan)
            return number_of_step + 1, tf.where(is_good[:, tf.newaxis], following, now), total

        loop = (tf.constant(0), start, tf.zeros((number,)))
        return tf.while_loop(lambda i, *_: i < self._search.horizon, step, loop)[-1]


def _checked_reward(reward: Any, number: int) -> tf.Tensor:
    """The rewards `(number,)` that a user's function returned, as float32."""
    try:
        reward = tf.convert_to_tensor(reward)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the reward is {reward!r}; expected a tensor of one number for each transition"
        ) from error
    kind = reward.dtype
    if not (kind.is_floating or kind.is_integer or kind.is_bool):
        raise UserError(f"the reward is {kind.name}; expected a real number for each transition")
    if reward.shape.rank != 1 or reward.shape[0] not in (None, number):
        raise UserError(
            f"the reward is of shape {reward.shape} for {number} transitions; expected one number "
            f"for each, ({number},)"
        )
    return tf.ensure_shape(tf.cast(reward, tf.float32), (number,))
