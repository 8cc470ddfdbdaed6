"""The half-cheetah that has to run in a direction or at a speed: Finn et al. 2017, section 5.3."""

from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.mujoco.half_cheetah_v5 import HalfCheetahEnv
from gymnasium.spaces import Box, Discrete

from tfmeta.environments.half_cheetahs import HalfCheetahs

HORIZON = 200  # Finn et al. 2017, section 5.3


class _Tasked(HalfCheetahEnv):
    """Gymnasium's HalfCheetah-v5 with a task, a number, and the papers' cost of control."""

    task_space: Any
    cost = 0.05  # times the sum of squared actions; 0.5 * 0.1 in the code of both papers

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._task = 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode; `options["task"]` is a vector of one number, or the task stays."""
        if options and "task" in options:
            (task,) = options["task"]
            self._task = float(task)
        return super().reset(seed=seed, options=options)

    def _get_rew(self, x_velocity: float, action: np.ndarray) -> tuple[float, dict[str, Any]]:
        progress = float(self.progress(x_velocity, self._task))
        cost = float(self.cost * np.square(action).sum())
        return progress - cost, {"reward_forward": progress, "reward_ctrl": -cost}

    @staticmethod
    def progress(velocity: Any, task: Any) -> Any:
        """The reward before the cost of control; of numbers, or arrays of one shape."""
        raise NotImplementedError


class HalfCheetahDirection(_Tasked):
    """The task is a direction, 0 for backward and 1 for forward; the reward is the speed in it.

    Minus 0.05 times the sum of squared actions. 17 observations, 6 actions in [-1, 1], 200 steps.
    The velocity is that of the root joint, as in HalfCheetah-v5 and in ProMP's code (Rothfuss et
    al. 2019, https://arxiv.org/abs/1810.06784); MAML's code has that of the centre of mass.
    """

    task_space = Discrete(2)

    @staticmethod
    def progress(velocity: Any, task: Any) -> Any:
        return np.where(np.asarray(task) >= 0.5, velocity, -velocity)


class HalfCheetahVelocity(_Tasked):
    """The task is a velocity, uniform in [0, 2]; the reward is minus the distance to it.

    Minus 0.05 times the sum of squared actions. The range is that of Finn et al. 2017; ProMP's code
    has [0, 3]. The rest is as in `HalfCheetahDirection`.
    """

    task_space = Box(0.0, 2.0, (1,), np.float32)

    @staticmethod
    def progress(velocity: Any, task: Any) -> Any:
        return -np.abs(velocity - task)


for _kind in (HalfCheetahDirection, HalfCheetahVelocity):
    gymnasium.register(
        f"tfmeta/{_kind.__name__}-v0",
        entry_point=_kind,
        vector_entry_point=partial(HalfCheetahs, _kind),
        max_episode_steps=HORIZON,
    )
