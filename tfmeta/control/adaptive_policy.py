"""A policy that acts, and adapts to what came of it."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.control.cross_entropy import is_whole
from tfmeta.control.models import check_flag, checked_number, checked_observation, model_of
from tfmeta.environments.gaussian_policy import log_probability, sample
from tfmeta.environments.policy_columns import PolicyColumns
from tfmeta.episodes.target_kind import ACTIONS
from tfmeta.errors import UserError


class Policy:
    """Acts by a model that was trained in environments, and adapts to what came of it.

    `act` and `reward` take turns. `adapt` learns from all trajectories so far, by the method with
    which the model was trained, from its own weights: the trajectories of a policy that had adapted
    before count by how likely their actions were (Finn et al. 2017, algorithm 3).

    Args:
        model: the directory of a run, an export of kind `learner`, or a learner, of the pipeline
            `gym:NAME`.
        seed: of the actions, which are drawn.

    Raises:
        UserError: if the model is none, or was not trained in environments.
    """

    def __init__(self, model: Any, *, seed: int = 0):
        if not is_whole(seed) or seed < 0:
            raise UserError(f"received seed={seed!r}; expected a whole number from 0")
        self._model, self._random = model_of(model, ACTIONS), np.random.default_rng(seed)
        self._columns = PolicyColumns.of_answers(self._model.output_size)
        self._adapt = tf.function(self._model.adapt, autograph=False, reduce_retracing=True)
        self._answers = tf.function(self._model.answers, autograph=False, reduce_retracing=True)
        self.forget()

    def forget(self) -> None:
        """Forgets all trajectories and what was learned from them: another task begins."""
        self._x: list[np.ndarray] = []
        self._y: list[np.ndarray] = []
        self._pending: tuple[np.ndarray, np.ndarray, float] | None = None
        self._step = 0
        # From one row of zeros nothing follows: it has no advantage.
        zeros = np.zeros((1, self._model.input_size)), np.zeros((1, self._columns.given))
        self._state = self._adapt(*(each.astype(np.float32) for each in zeros))

    def act(self, observation: Any, *, explore: bool = True) -> np.ndarray:
        """The action to take now, float32 `(actions,)`.

        It is drawn from a normal distribution, so that it may be outside the bounds of the robot's
        actions: clip what you send, as training does. `adapt` learns from it as it was drawn.

        Args:
            observation: `(observation size,)`.
            explore: whether to draw the action, as `adapt` needs it; False takes the likeliest one,
                and nothing is remembered of it.

        Raises:
            UserError: if the observation has another shape or is not finite, `explore` is no truth
                value, or the reward of the action before was not told.
        """
        check_flag("explore", explore)
        if self._pending is not None:
            raise UserError("received an observation before the reward of the last action")
        seen = checked_observation(observation, self._model.input_size).astype(np.float32)
        answers = self._answers(self._state, seen[np.newaxis])
        size = (1, self._columns.num_actions)
        if not explore:
            return np.asarray(sample(answers, np.zeros(size, np.float32)))[0]
        action = sample(answers, self._random.normal(size=size).astype(np.float32))
        density = float(log_probability(answers, action)[0])
        self._pending = seen, np.asarray(action)[0], density
        return self._pending[1].copy()

    def reward(self, reward: float, *, ended: bool = False) -> None:
        """Tells what came of the last action.

        Args:
            reward: of the action.
            ended: whether the trajectory is over, so that the next action begins another one.

        Raises:
            UserError: if there was no action, the reward is no finite number, or `ended` is no
                truth value.
        """
        check_flag("ended", ended)
        if self._pending is None:
            raise UserError("received a reward without an action; expected act first")
        number, (seen, action, density) = checked_number("reward", reward), self._pending
        self._x.append(seen)
        self._y.append(np.array([*action, density, number, self._step], np.float32))
        self._step = 0 if ended else self._step + 1
        self._pending = None

    def adapt(self) -> None:
        """Learns from all trajectories so far; raises UserError if there is none."""
        if not self._x:
            raise UserError("there is nothing to adapt to; expected actions and their rewards")
        self._state = self._adapt(np.stack(self._x), np.stack(self._y))
