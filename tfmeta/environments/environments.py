"""Copies of a Gymnasium environment, each with a task of its own, run together."""

import importlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from tfmeta.environments.own_code import running
from tfmeta.environments.spaces import action_bounds, observation_size
from tfmeta.errors import UserError, counted, described
from tfmeta.extras import import_extra
from tfmeta.named_code import why_not_imported

UNITS = 4  # the most numbers of a task: its episode has so many uniform ones
_OURS = {
    "point-navigation": "tfmeta.environments.point_navigation:tfmeta/PointNavigation-v0",
    "half-cheetah-direction": "tfmeta.environments.half_cheetah:tfmeta/HalfCheetahDirection-v0",
    "half-cheetah-velocity": "tfmeta.environments.half_cheetah:tfmeta/HalfCheetahVelocity-v0",
}


def environment_id(name: str) -> str:
    """What Gymnasium calls an environment: a name of ours, or the ID itself.

    Example:

    >>> environment_id("Pendulum-v1")
    'Pendulum-v1'
    """
    return _OURS.get(name, name)


def environment_names() -> list[str]:
    """The short names of our own environments."""
    return list(_OURS)


class Environments:
    """Many copies of one Gymnasium environment, each with a task of its own, run together.

    A family of tasks is an environment that has an attribute `task_space`, a `Box` of one dimension
    or a `Discrete`, and takes its task in `reset(seed=..., options={"task": vector})`, a float32
    vector. If it has a `vector_entry_point`, the vector environment has the attribute too, and its
    `reset` takes a list of seeds and tasks `(n, task_size)`. Otherwise the copies are stepped one
    after another. The vector environments are kept, one for each number of copies.

    Args:
        environment_id: a name of ours (`environment_names`), an ID that Gymnasium knows, or
            `module:ID`: the module is imported first, and registers the ID.
        horizon: steps of an episode; None for the time limit with which it is registered.

    Attributes:
        observation_size, action_size, task_size: numbers in each.
        horizon: the most steps of an episode.
        action_low, action_high: of the actions, `(action_size,)`; may be infinite.

    Raises:
        UserError: if Gymnasium or what the environment needs is not installed, the ID is unknown,
            the environment is no family of tasks, its observations or actions are no `Box` of one
            dimension, or there is neither a time limit nor a horizon.

    Example:

    >>> points = Environments("point-navigation")
    >>> goals = points.tasks(np.array([[0.0, 0.5, 0.9, 0.9]]))
    >>> goals.tolist()
    [[-0.5, 0.0]]
    >>> points.reset(np.array([7]), goals).tolist()
    [[0.0, 0.0]]
    >>> observations, rewards, ended = points.step(np.array([[-0.1, 0.0]]))
    >>> observations.round(3).tolist(), rewards.round(3).tolist(), ended.tolist()
    ([[-0.1, 0.0]], [-0.16], [False])
    """

    def __init__(self, environment_id: str, horizon: int | None = None):
        self._name = environment_id
        self._gymnasium: Any = import_extra("gymnasium", package="Gymnasium", extra="control")
        self._spec = self._found_spec()
        self.horizon = self._checked_horizon(horizon)
        self._kept: dict[int, Any] = {}
        self._current: Any = None
        vector = self._copies(1)
        self.action_low, self.action_high = action_bounds(vector.single_action_space, self._name)
        self.action_size = len(self.action_low)
        self.observation_size = observation_size(vector.single_observation_space, self._name)
        self._task_space = self._checked_task_space(vector)
        is_discrete = isinstance(self._task_space, self._gymnasium.spaces.Discrete)
        self.task_size = 1 if is_discrete else self._task_space.shape[0]
        if self.task_size > UNITS:
            raise UserError(
                f"{self._name} has tasks of {self.task_size} numbers; expected at most {UNITS}"
            )

    def tasks(self, units: np.ndarray) -> np.ndarray:
        """Tasks made of uniform numbers: spread over a Box, or rounded down to one of a Discrete.

        Args:
            units: `(n, 4)`, in [0, 1); the first `task_size` are used.

        Returns:
            `(n, task_size)`, float32.
        """
        space, units = self._task_space, np.asarray(units, np.float64)[:, : self.task_size]
        if isinstance(space, self._gymnasium.spaces.Discrete):
            return (space.start + np.floor(units * space.n)).astype(np.float32)
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        if space.dtype.kind != "f":
            return np.floor(low + units * (high - low + 1)).astype(np.float32)
        return (low + units * (high - low)).astype(np.float32)

    def reset(self, seeds: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """Begins an episode in each copy; what follows depends on seeds, tasks and actions alone.

        Args:
            seeds: `(n,)`, whole numbers from 0 up.
            tasks: `(n, task_size)`.

        Returns:
            The first observations, `(n, observation_size)`, float32.

        Raises:
            UserError: if an observation is not finite, or the environment's own code fails.
        """
        seeds, tasks = np.asarray(seeds), np.asarray(tasks, np.float32)
        if tasks.shape != (len(seeds), self.task_size):
            raise UserError(
                f"received tasks of shape {tasks.shape} for {counted(len(seeds), 'seed')}; "
                f"expected {(len(seeds), self.task_size)}"
            )
        self._current = self._copies(len(seeds))
        self._has_ended = np.zeros(len(seeds), bool)
        self._steps = 0
        with running(self._name, "reset"):
            found, _ = self._current.reset(seed=[int(s) for s in seeds], options={"task": tasks})
        self._last = self._observed(found)
        return self._last.copy()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Takes one action in each copy, clipped to the bounds of actions.

        A copy that has ended stays where it is, with a reward of 0.

        Args:
            actions: `(n, action_size)`.

        Returns:
            The next observations, `(n, observation_size)`, float32; the rewards, `(n,)`, float32;
            and whether each episode has ended, at this step or before, `(n,)`, bool.

        Raises:
            UserError: if the actions have another shape or are not finite, or an observation or a
                reward is not finite.
        """
        if self._current is None:
            raise UserError("received actions before a reset; expected a reset first")
        actions = np.asarray(actions)
        if actions.shape != (expected := (len(self._has_ended), self.action_size)):
            raise UserError(f"received actions of shape {actions.shape}; expected {expected}")
        resting = self._has_ended.copy()
        self._check(actions, ~resting, "an action", "Lower the learning rates of the policy")
        self._steps += 1
        clipped = np.clip(np.where(resting[:, None], 0, actions), self.action_low, self.action_high)
        clipped = clipped.astype(self._current.single_action_space.dtype)
        with running(self._name, "step"):
            found, rewards, terminated, truncated, _ = self._current.step(clipped)
        self._last = np.where(resting[:, None], self._last, self._observed(found, resting))
        with np.errstate(over="ignore"):
            rewards = np.where(resting, 0, rewards).astype(np.float32)
        self._check(rewards, ~resting, "a reward")
        self._has_ended = resting | np.asarray(terminated, bool) | np.asarray(truncated, bool)
        return self._last.copy(), rewards, self._has_ended.copy()

    def close(self) -> None:
        """Closes all copies."""
        while self._kept:
            self._kept.popitem()[1].close()
        self._current = None

    # Making and checking the copies

    def _found_spec(self) -> Any:
        module, _, name = environment_id(self._name).rpartition(":")
        if module:
            try:
                importlib.import_module(module)
            except self._gymnasium.error.DependencyNotInstalled as error:
                raise self._needing_more(error) from error
            except ImportError as error:
                raise UserError(
                    f"the environment {self._name} can't be made, because its module can't be "
                    f"imported ({why_not_imported(module, error)})"
                ) from error
        try:
            return self._gymnasium.spec(name)
        except self._gymnasium.error.Error as error:
            raise UserError(
                f"there is no environment {self._name} ({described(error)}); expected one of "
                f"{', '.join(_OURS)}, an ID of Gymnasium such as Name-v0, or module:ID, where the "
                "module registers the ID"
            ) from error

    def _needing_more(self, error: Exception) -> UserError:
        return UserError(
            f"the environment {self._name} needs more than Gymnasium ({described(error)}): "
            "pip install 'tfmeta[control]', or what the error names"
        )

    def _checked_horizon(self, horizon: int | None) -> int:
        limit = self._spec.max_episode_steps if horizon is None else horizon
        if limit is None:
            raise UserError(
                f"{self._name} has no time limit, and no horizon was received; expected "
                "horizon=STEPS, or a max_episode_steps where it is registered"
            )
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise UserError(f"received horizon={limit!r}; expected a whole number from 1")
        return limit

    def _copies(self, number: int) -> Any:
        if number not in self._kept:
            self._kept[number] = self._made(number)
        return self._kept[number]

    def _made(self, number: int) -> Any:
        options: dict[str, Any] = {}
        if self._spec.vector_entry_point is None:
            from tfmeta.environments.own_task import OwnTask  # it needs Gymnasium

            numbers: Iterator[int] = count()
            options["wrappers"] = [lambda env: OwnTask(env, next(numbers))]
            options["disable_env_checker"] = True  # it warns of what is refused here
        if self.horizon != self._spec.max_episode_steps:
            options["max_episode_steps"] = self.horizon
        make = partial(self._gymnasium.make_vec, self._spec, number)
        try:
            return make(**options)
        except self._gymnasium.error.DependencyNotInstalled as error:
            raise self._needing_more(error) from error
        except Exception as error:  # of the environment's own code
            raise UserError(
                f"the environment {self._name} can't be made ({described(error)}); expected one "
                "that gymnasium.make_vec can make"
            ) from error

    def _checked_task_space(self, vector: Any) -> Any:
        spaces: Any = self._gymnasium.spaces
        space: Any = getattr(vector.unwrapped, "task_space", None)
        if space is None and self._spec.vector_entry_point is None:
            with suppress(AttributeError):  # then it is refused below
                (space,) = vector.get_attr("task_space")
        if isinstance(space, spaces.Discrete):
            return space
        is_vector = isinstance(space, spaces.Box) and len(space.shape) == 1 and space.shape[0]
        if not is_vector or not np.isfinite([space.low, space.high]).all():
            raise UserError(
                f"{self._name} has the task_space {space}; expected an attribute task_space, a "
                "Discrete or a Box with finite bounds and one dimension, and that reset takes "
                "options={'task': vector}"
            )
        return space

    def _observed(self, found: Any, resting: Any = False) -> np.ndarray:
        expected = (len(self._has_ended), self.observation_size)
        if np.shape(found) != expected:
            raise UserError(
                f"{self._name} returned observations of shape {np.shape(found)}; expected "
                f"{expected}, as its observation_space says"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            observations = np.asarray(found).astype(np.float32)
        self._check(observations, ~np.broadcast_to(resting, expected[0]), "an observation")
        return observations

    def _check(self, values: np.ndarray, counts: np.ndarray, what: str, mend: str = "") -> None:
        """Refuses what is not finite in the copies that count."""
        is_finite = np.isfinite(values).reshape(len(values), -1).all(1)
        if (wrong := np.flatnonzero(counts & ~is_finite)).size:
            at = f"after {counted(self._steps, 'step')}"
            raise UserError(
                f"{what} of {self._name} is not finite, {at}, in copy {wrong[0]}: "
                f"{np.ravel(values[wrong[0]]).tolist()}; expected finite numbers. "
                f"{mend or 'Look for a division by zero or an overflow in the environment'}"
            )
