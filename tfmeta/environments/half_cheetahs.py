"""Many half-cheetahs of one model, stepped one after another."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.utils.seeding import np_random
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

_NOISE = 0.1  # of the first positions and velocities, as in HalfCheetah-v5


class HalfCheetahs(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many half-cheetahs that share MuJoCo's model; one that has ended stays where it is.

    Its numbers are those of the same environments one by one, to the last bit. A step takes 0.6 of
    their processor time, and the model is read once in place of once for each. Two threads over the
    copies took more processor time and no less time.

    Args:
        kind: the environment, with `task_space`, `cost`, and the reward before the cost in
            `progress(velocity, task)`.
        num_envs: how many.
        max_episode_steps: after so many an episode is truncated.
    """

    def __init__(self, kind: Any, num_envs: int, max_episode_steps: int):
        modes: Any = getattr(gymnasium.vector, "AutoresetMode", None)  # Gymnasium 1.0 has none
        self.metadata = {"autoreset_mode": modes and modes.DISABLED}
        self._one = one = _made_once(kind)
        self.task_space, self._progress = one.task_space, one.progress
        self.num_envs, self._most_steps, self._steps = num_envs, max_episode_steps, 0
        self.single_observation_space = one.observation_space
        self.single_action_space = one.action_space
        self.observation_space = batch_space(one.observation_space, num_envs)
        self.action_space = batch_space(one.action_space, num_envs)
        self._all = [mujoco.MjData(one.model) for _ in range(num_envs)]
        self._tasks = np.ones(num_envs)
        self._position = np.zeros((num_envs, one.model.nq))
        self._velocity = np.zeros((num_envs, one.model.nv))
        self._time = np.zeros(num_envs)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode in each.

        Args:
            seed: one for each, or the first of as many in a row.
            options: `task` is `(num_envs, 1)`; the tasks stay if there is none.
        """
        if options and "task" in options:
            self._tasks = np.array(options["task"], np.float64).reshape(self.num_envs)
        seeds: Any = seed
        if seed is None or isinstance(seed, int):
            seeds = [None if seed is None else seed + k for k in range(self.num_envs)]
        self._steps = 0
        for number, (data, each) in enumerate(zip(self._all, seeds, strict=True)):
            rng, _ = np_random(each)
            mujoco.mj_resetData(self._one.model, data)
            low, high = -_NOISE, _NOISE
            data.qpos[:] = self._one.init_qpos + rng.uniform(low, high, len(data.qpos))
            data.qvel[:] = self._one.init_qvel + _NOISE * rng.standard_normal(len(data.qvel))
            mujoco.mj_forward(self._one.model, data)
            self._read(number, data)
        return self._observations(), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps all, with actions `(num_envs, 6)`; all are truncated after the same step."""
        model, skipped = self._one.model, self._one.frame_skip
        before, began = self._position[:, 0].copy(), self._time.copy()
        for number, (data, action) in enumerate(zip(self._all, actions, strict=True)):
            data.ctrl[:] = action
            mujoco.mj_step(model, data, skipped)
            self._read(number, data)
        self._steps += 1
        velocities = (self._position[:, 0] - before) / self._one.dt
        costs = self._one.cost * np.square(actions).sum(1)
        rewards = self._progress(velocities, self._tasks) - costs
        # MuJoCo resets a simulation that has become unstable; what it returns then is refused.
        rewards = np.where(self._time > began, rewards, np.nan)
        truncated = np.full(self.num_envs, self._steps >= self._most_steps)
        return self._observations(), rewards, np.zeros(self.num_envs, bool), truncated, {}

    def _read(self, number: int, data: Any) -> None:
        self._position[number], self._velocity[number] = data.qpos, data.qvel
        self._time[number] = data.time

    def _observations(self) -> np.ndarray:
        return np.concatenate([self._position[:, 1:], self._velocity], 1)


@lru_cache
def _made_once(kind: Any) -> Any:
    with _no_warnings():
        return kind()


@contextmanager
def _no_warnings() -> Iterator[None]:
    """MuJoCo 4 prints, and writes into the working folder, that Gymnasium's file has old words."""
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)
