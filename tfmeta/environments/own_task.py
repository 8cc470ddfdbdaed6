"""One copy of an environment among others: it takes its own task, and rests when it has ended."""

from typing import Any

import gymnasium
import numpy as np


class OwnTask(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Takes one row of the tasks of all copies, and stands still once its episode has ended.

    Gymnasium gives all copies the same options and, by default, resets a copy that has ended. Such
    a reset has no seed and no task, so this wrapper answers it with the last observation, and the
    steps after it too, with a reward of 0. Then nothing depends on Gymnasium's autoreset mode.

    Args:
        env: the copy.
        number: its place among the copies.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], number: int):
        super().__init__(env)
        self._number, self._has_ended = number, False
        self._last: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets with `options["task"][number]`, or rests if there are no options."""
        if options is None:
            return self._last, {}
        task = np.array(options["task"][self._number])
        self._has_ended = False
        self._last, _ = self.env.reset(seed=seed, options={**options, "task": task})
        return self._last, {}  # infos of all copies take time to gather, and are not used

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Steps, unless the episode has ended."""
        if self._has_ended:
            return self._last, 0.0, False, False, {}
        self._last, reward, terminated, truncated, _ = self.env.step(action)
        self._has_ended = bool(terminated or truncated)
        return self._last, float(reward), terminated, truncated, {}
