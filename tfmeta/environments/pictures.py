"""Moving pictures of our own environments, from observations alone."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from tfmeta.environments.drawing import moving
from tfmeta.environments.navigation_picture import navigation_frames, paths_picture
from tfmeta.environments.stick_figure import STEP_SECONDS, half_cheetah_frames
from tfmeta.errors import UserError

__all__ = ["animation", "can_be_drawn", "frames", "paths_picture"]


def _cheetahs(episodes: Mapping[str, np.ndarray], _: Any, every: int) -> list[Image.Image]:
    return half_cheetah_frames(episodes, every=every)


def _points(episodes: Mapping[str, np.ndarray], goal: Any, every: int) -> list[Image.Image]:
    if goal is None:
        raise UserError("received no task for point-navigation; expected the goal, two numbers")
    return navigation_frames(episodes, goal, every=every)


# Steps from one frame to the next, and how the frames are drawn.
_DRAWN: dict[str, tuple[int, Callable[..., list[Image.Image]]]] = {
    "point-navigation": (2, _points),
    "half-cheetah-direction": (2, _cheetahs),
    "half-cheetah-velocity": (2, _cheetahs),
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
    own, draw = _DRAWN[environment]
    return draw(found, task, every or own)


def animation(environment: str, episodes: Mapping[str, Any], task: Any = None) -> bytes:
    """The `frames` as a GIF file, twice as fast as the half-cheetah runs.

    Args:
        environment, episodes, task: as of `frames`.

    Raises:
        UserError: as `frames`.
    """
    shown, (every, _) = frames(environment, episodes, task), _DRAWN[environment]
    return moving(shown, every * STEP_SECONDS / 2)
