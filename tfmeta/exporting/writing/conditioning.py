"""Examples for which an answer is well defined: rounding can't change it by much."""

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from tfmeta.exporting.verifying.comparison import largest_difference
from tfmeta.precision import (
    MOST_OF_AN_EXPORT,
    OF_A_NUDGE,
    OF_AN_EXPORT,
    OF_ITS_EFFECT,
    rounding_error,
)

_NUM_NUDGES, _MOST_DRAWS = 6, 20
_FEW_DRAWS, _HOPELESS = 3, 2.0  # of a deep network no draw is much better than another
_MOST_CHANGE = rounding_error(np.float32, OF_ITS_EFFECT)

Nudge = Callable[[np.ndarray], np.ndarray]  # changes examples a little
Drawn = TypeVar("Drawn")


def well_conditioned(
    draw: Callable[[int], Drawn], respond: Callable[[Drawn, Nudge], list[np.ndarray]]
) -> tuple[Drawn, float]:
    """The first draw whose responses rounding can't change by much, or the best of many.

    If some ReLU is within a rounding error of zero, or large logits nearly cancel, two right ways
    to compute an answer differ by 1e-5 and more: there is no one answer to compare with.

    Args:
        draw: returns examples for a seed.
        respond: returns what comes of a draw after its examples were nudged.

    Returns:
        `(drawn, tolerance)`: how far apart two right answers to the draw may be, relative above 1.
    """
    best, least = draw(0), np.inf
    for seed in range(_MOST_DRAWS):
        drawn = draw(seed) if seed else best
        change = _sensitivity(functools.partial(respond, drawn), most=least)
        if change < least:
            best, least = drawn, change
        is_hopeless = seed + 1 >= _FEW_DRAWS and _HOPELESS * _MOST_CHANGE < least < np.inf
        if least <= _MOST_CHANGE or is_hopeless:
            break
    effect = max(1.0, least / _MOST_CHANGE)
    roundings = min(OF_AN_EXPORT * effect, MOST_OF_AN_EXPORT)
    return best, rounding_error(np.float32, roundings)


def _sensitivity(respond: Callable[[Nudge], list[np.ndarray]], *, most: float) -> float:
    """The most that a nudge changes a response; nudging ends at one of `most`."""
    rng, worst = np.random.default_rng(0), 0.0

    def nudge(x: np.ndarray) -> np.ndarray:
        size = rounding_error(x.dtype, OF_A_NUDGE)
        return x * (1 + size * rng.normal(size=x.shape)).astype(x.dtype)

    responses = respond(lambda x: x)
    for _ in range(_NUM_NUDGES):
        moved = zip(responses, respond(nudge), strict=True)
        worst = max(worst, *(_change(before, after) for before, after in moved))
        if worst >= most:
            break
    return worst


def _change(before: np.ndarray, after: np.ndarray) -> float:
    """Relative above 1; for labels it is zero or infinite."""
    if before.dtype.kind != "f":
        return 0.0 if (before == after).all() else np.inf
    return largest_difference(after, before)
