"""The spaces of an environment's observations and actions: what a policy can see and do."""

from typing import Any

import numpy as np

from tfmeta.errors import UserError

_NUMBERS = "biuf"  # NumPy's kinds of dtypes: truth values, whole numbers and real ones
_WRAPPERS = "gymnasium.wrappers"


def observation_size(space: Any, environment: str) -> int:
    """The numbers in an observation.

    Args:
        space: of one copy's observations.
        environment: its name.

    Raises:
        UserError: if they are no vectors of numbers.
    """
    if _is_vector(space) and space.dtype.kind in _NUMBERS:
        return int(space.shape[0])
    how = f"{_WRAPPERS}.FlattenObservation(env) makes one of most spaces"
    if len(space.shape or ()) > 1:
        how += (
            ". The network policy has no convolutions, so bring pictures to a few numbers, or make "
            f"them small first: {_WRAPPERS}.GrayscaleObservation and ResizeObservation"
        )
    raise UserError(
        f"{environment} has observations in {space}; expected a Box with one dimension. Wrap it "
        f"where it is registered: {how}"
    )


def action_bounds(space: Any, environment: str) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest action, `(action_size,)` each; may be infinite.

    Args:
        space: of one copy's actions.
        environment: its name.

    Raises:
        UserError: if they are no vectors of real numbers.
    """
    if _is_vector(space) and space.dtype.kind == "f":
        return space.low, space.high
    number = getattr(space, "n", None)
    how = f"{_WRAPPERS}.TransformAction(env, FUNCTION, BOX), where FUNCTION makes an action of it"
    if isinstance(number, int | np.integer):  # Discrete, but also MultiBinary
        how = (
            f"{_WRAPPERS}.TransformAction(env, FUNCTION, Box(-1, 1, ({number},))) lets the policy "
            "answer with a score for each, of which FUNCTION takes the largest: "
            "lambda scores: int(scores.argmax())"
        )
    raise UserError(
        f"{environment} has actions in {space}; expected a Box of real numbers with one dimension, "
        f"because a policy draws them from a normal distribution. Wrap it where it is registered: "
        f"{how}"
    )


def _is_vector(space: Any) -> bool:
    from gymnasium.spaces import Box  # Gymnasium is an extra

    return isinstance(space, Box) and len(space.shape) == 1 and space.shape[0] > 0
