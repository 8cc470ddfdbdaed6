"""Moving pictures of our own environments, from observations alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tfmeta.environments.drawing import moving
from tfmeta.environments.navigation_picture import navigation_frames, paths_picture
from tfmeta.environments.stick_figure import STEP_SECONDS, half_cheetah_frames
from tfmeta.errors import UserError

__all__ = ["animation", "can_be_drawn", "frames", "paths_picture", "still", "task_in_words"]


def _cheetahs(episodes: Mapping[str, np.ndarray], _: Any, every: int) -> list[Image.Image]:
    return half_cheetah_frames(episodes, every=every)


def _points(episodes: Mapping[str, np.ndarray], goal: Any, every: int) -> list[Image.Image]:
    if goal is None:
        raise UserError("received no task for point-navigation; expected the goal, two numbers")
    return navigation_frames(episodes, goal, every=every)


def _paths(episodes: Mapping[str, Sequence[np.ndarray]], goal: Any) -> Image.Image:
    return paths_picture(episodes, goal)


def _arrivals(episodes: Mapping[str, Sequence[np.ndarray]], _: Any) -> Image.Image:
    first = {name: each[0] for name, each in episodes.items()}
    return half_cheetah_frames(first, every=max(map(len, first.values())))[-1]


@dataclass(frozen=True)
class _Drawn:
    """How the tasks of an environment are drawn.

    Attributes:
        every: steps from one frame to the next.
        frames: draws one trajectory for each name as it goes on.
        still: draws several trajectories for each name as a whole.
        in_words: says what a task is.
    """

    every: int
    frames: Callable[..., list[Image.Image]]
    still: Callable[..., Image.Image]
    in_words: Callable[[Sequence[float]], str]


_DRAWN = {
    "point-navigation": _Drawn(
        2, _points, _paths, lambda task: f"with the goal ({task[0]:.3g}, {task[1]:.3g})"
    ),
    "half-cheetah-direction": _Drawn(
        2,
        _cheetahs,
        _arrivals,
        lambda task: f"to run {'forward' if task[0] >= 0.5 else 'backward'}",
    ),
    "half-cheetah-velocity": _Drawn(
        2, _cheetahs, _arrivals, lambda task: f"to run at {task[0]:.3g} m/s"
    ),
}


def can_be_drawn(environment: str) -> bool:
    """Whether there are pictures of an environment: of our own, by their short names."""
    return environment in _DRAWN


def frames(
    environment: str, episodes: Mapping[str, Any], task: Any = None, *, every: int | None = None
) -> list[Image.Image]:
    """Pictures of episodes, all at one time in each.

    Args:
        environment: a short name of ours; see `can_be_drawn`.
        episodes: such as `{"before": observations, "after 1 step": observations}`: of each one
            trajectory, `(steps, observation size)`, as many steps as it had. One that is shorter
            stays at its end. Columns after the environment's own, such as a task, are ignored.
        task: of all of them; the goal of a point.
        every: steps from one picture to the next; None for the environment's own number.

    Returns:
        Pictures in colours, of one size; the last step is always there.

    Raises:
        UserError: if there are no pictures of the environment, no observation to draw, or no goal.
    """
    if not can_be_drawn(environment):
        raise UserError(
            f"there are no pictures of {environment}; expected one of: {', '.join(_DRAWN)}"
        )
    found = {name: np.asarray(each, float) for name, each in episodes.items()}
    if not found or not all(len(each) for each in found.values()):
        raise UserError(
            f"received episodes of {[len(each) for each in found.values()]} observations; expected "
            "one or more episodes of one or more"
        )
    drawn = _DRAWN[environment]
    return drawn.frames(found, task, every or drawn.every)


def still(environment: str, episodes: Mapping[str, Sequence[Any]], task: Any) -> Image.Image:
    """One picture of all that was done: the paths of points, or where half-cheetahs arrive.

    Args:
        environment: as of `frames`.
        episodes: of each name the observations of several trajectories, each as of `frames`. Of
            half-cheetahs the first one is drawn.
        task: as of `frames`.
    """
    return _DRAWN[environment].still(episodes, task)


def task_in_words(environment: str, task: Sequence[float]) -> str:
    """A task in words, such as "to run forward".

    Args:
        environment: as of `frames`.
        task: its numbers.
    """
    return _DRAWN[environment].in_words(task)


def animation(environment: str, episodes: Mapping[str, Any], task: Any = None) -> bytes:
    """The `frames` as a GIF file, twice as fast as the half-cheetah runs.

    Args:
        environment, episodes, task: as of `frames`.

    Raises:
        UserError: as `frames`.
    """
    shown = frames(environment, episodes, task)
    return moving(shown, _DRAWN[environment].every * STEP_SECONDS / 2)
