"""A point that has to find a goal in the plane: Finn et al. 2017, section 5.3."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

MOST = 0.1  # of a velocity, in each direction
REACHED = 0.01  # the distance at which the goal is reached
HORIZON = 100
_OBSERVATIONS = Box(-np.inf, np.inf, (2,), np.float32)
_ACTIONS = Box(-MOST, MOST, (2,), np.float32)
_GOALS = Box(-0.5, 0.5, (2,), np.float32)


class PointNavigation(gymnasium.Env[np.ndarray, np.ndarray]):
    """A point in the plane; the task is its goal, which it does not see.

    It starts at the origin, observes its position, and moves by its action, a velocity clipped to
    [-0.1, 0.1]. The reward is minus the squared distance to the goal after the move. The episode
    ends within 0.01 of the goal; it is registered with a horizon of 100 steps. Goals are uniform in
    [-0.5, 0.5]^2. Finn et al. 2017, https://arxiv.org/abs/1703.03400, section 5.3, whose text this
    follows; their code has the distance without the square.
    """

    task_space = _GOALS
    observation_space, action_space = _OBSERVATIONS, _ACTIONS

    def __init__(self) -> None:
        self._x, self._y = 0.0, 0.0
        self._goal = (0.0, 0.0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Goes back to the origin; `options["task"]` is the goal, which stays if there is none."""
        super().reset(seed=seed)
        if options and "task" in options:
            x, y = (float(each) for each in options["task"])
            self._goal = x, y
        self._x, self._y = 0.0, 0.0
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Moves by the action, which is clipped."""
        right, up = (min(max(float(each), -MOST), MOST) for each in action)
        self._x, self._y = self._x + right, self._y + up
        x, y = self._x - self._goal[0], self._y - self._goal[1]
        squared = x * x + y * y
        return self._observation(), -squared, squared < REACHED**2, False, {}

    def _observation(self) -> np.ndarray:
        return np.array([self._x, self._y], np.float32)


class PointNavigations(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many `PointNavigation`s, stepped together; one that has ended stays where it is.

    Args:
        num_envs: how many.
        max_episode_steps: after so many an episode is truncated.
    """

    task_space = _GOALS

    def __init__(self, num_envs: int, max_episode_steps: int = HORIZON):
        modes: Any = getattr(gymnasium.vector, "AutoresetMode", None)  # Gymnasium 1.0 has none
        self.metadata = {"autoreset_mode": modes and modes.DISABLED}
        self.num_envs, self._most_steps = num_envs, max_episode_steps
        self.single_observation_space, self.single_action_space = _OBSERVATIONS, _ACTIONS
        self.observation_space = batch_space(_OBSERVATIONS, num_envs)
        self.action_space = batch_space(_ACTIONS, num_envs)
        self._goals = np.zeros((num_envs, 2))
        self._positions = np.zeros((num_envs, 2))
        self._has_ended, self._steps = np.zeros(num_envs, bool), 0

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """All go back to the origin, with the goals `options["task"]`, `(num_envs, 2)`.

        The seeds are not used, because nothing is drawn.
        """
        if options and "task" in options:
            self._goals = np.array(options["task"], np.float64).reshape(self.num_envs, 2)
        self._positions = np.zeros((self.num_envs, 2))
        self._has_ended, self._steps = np.zeros(self.num_envs, bool), 0
        return self._positions.astype(np.float32), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Moves all that have not ended."""
        resting = self._has_ended
        moves = np.clip(np.asarray(actions, np.float64), -MOST, MOST)
        self._positions = np.where(resting[:, None], self._positions, self._positions + moves)
        apart = self._positions - self._goals
        squared = apart[:, 0] * apart[:, 0] + apart[:, 1] * apart[:, 1]
        self._steps += 1
        terminated = ~resting & (squared < REACHED**2)
        truncated = ~resting & (self._steps >= self._most_steps)
        self._has_ended = resting | terminated | truncated
        rewards = np.where(resting, 0.0, -squared)
        return self._positions.astype(np.float32), rewards, terminated, truncated, {}


gymnasium.register(
    "tfmeta/PointNavigation-v0",
    entry_point=f"{__name__}:PointNavigation",
    vector_entry_point=f"{__name__}:PointNavigations",
    max_episode_steps=HORIZON,
)
