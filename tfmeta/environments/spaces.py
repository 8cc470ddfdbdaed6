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


def action_scaling(low: np.ndarray, high: np.ndarray) -> dict[str, list[float]]:
    """Options of the network `policy` that bring each action that has bounds to [-1, 1].

    An action without both bounds stays as it is, and so does one whose bounds are the same, which
    nothing changes, or so far apart that float32 can't hold their distance.

    Args:
        low, high: `(action_size,)`, the bounds of each; infinite for none.

    Returns:
        `action_centre` and `action_scale`, one number for each action; nothing if none has bounds.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        width = high.astype(np.float32) - low.astype(np.float32)
        is_bounded = np.isfinite(width) & (width > 0)
        centre = np.where(is_bounded, (low + high) / 2, 0)
        scale = np.where(is_bounded, (high - low) / 2, 1)
    if not is_bounded.any():
        return {}
    return {"action_centre": centre.tolist(), "action_scale": scale.tolist()}


def _is_vector(space: Any) -> bool:
    from gymnasium.spaces import Box  # Gymnasium is an extra

    return isinstance(space, Box) and len(space.shape) == 1 and space.shape[0] > 0
