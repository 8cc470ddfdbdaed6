"""Logged trajectories in an NPZ, CSV or Parquet file -> transitions. Imports no TensorFlow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted
from tfmeta.reading.trajectory_file import NEXT, TrajectoryFile, TrajectoryNames


@dataclass(frozen=True)
class Trajectories:
    """Transitions, sorted by trajectory; in each, in the order of time.

    Attributes:
        observations: float32 `(transitions, observation size)`, before the action.
        actions: float32 `(transitions, action size)`.
        changes: float32 `(transitions, observation size)`, the next observation minus this one.
        starts, counts: int `(trajectories,)`, where each begins, and its transitions.
        names: of the trajectories.
        conditions: `(trajectories,)`, the text that names each one's condition.
    """

    observations: np.ndarray
    actions: np.ndarray
    changes: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    names: tuple[str, ...]
    conditions: np.ndarray


def trajectories_of(file: TrajectoryFile, names: TrajectoryNames) -> Trajectories:
    """The transitions in columns.

    Args:
        file: with a row per step.
        names: of its parts. Without next observations they are those of the trajectory's next row,
            and the last row of a trajectory is no transition.

    Raises:
        UserError: if the file lacks a part, has parts of several lengths, a value
            that is missing or not finite, a trajectory of two conditions, one that goes on after a
            terminal row, or one whose next observation is not that of the next row.
    """
    observations, actions = file.observations, file.numbers(names.actions, "actions")
    following = _given_next(file, names)
    texts = file.texts(names.trajectory, "trajectory")
    by_trajectory, trajectory = np.unique(texts, return_inverse=True)
    conditions = file.condition_of_each(names.condition, by_trajectory, trajectory)
    order = np.argsort(trajectory, kind="stable")
    last = np.append(trajectory[order][1:] != trajectory[order][:-1], True)
    file.refuse_terminals(names.terminals, order[~last], by_trajectory[trajectory])
    if following is None:
        rows, nexts = order[:-1][~last[:-1]], order[1:][~last[:-1]]
        following = observations[nexts]
    else:
        _refuse_gaps(file, observations, following, order, by_trajectory[trajectory])
        rows, following = order, following[order]
    counts = np.bincount(trajectory[rows], minlength=len(by_trajectory))
    return Trajectories(
        observations[rows].astype(np.float32),
        actions[rows].astype(np.float32),
        (following - observations[rows]).astype(np.float32),
        np.cumsum(counts) - counts,
        counts,
        tuple(by_trajectory.tolist()),
        conditions,
    )


def _given_next(file: TrajectoryFile, names: TrajectoryNames) -> np.ndarray | None:
    """The next observations, if the file has them; they may not be missing if a user names them."""
    given = names.next_observations
    if given == NEXT and not file.has(given):
        return None
    following = file.numbers(file.names_of_next(names) or given, NEXT)
    if following.shape != file.observations.shape:
        raise UserError(
            f"{file.path} has {NEXT} of shape {following.shape} and observations of shape "
            f"{file.observations.shape}; expected the same shape"
        )
    return following


def _refuse_gaps(
    file: TrajectoryFile, observations: Any, following: Any, order: Any, names: np.ndarray
) -> None:
    """Refuses a trajectory whose rows do not follow each other."""
    this, after = order[:-1], order[1:]
    goes_on = names[this] == names[after]
    broken = goes_on & (following[this] != observations[after]).any(1)
    if not broken.any():
        return
    row = int(np.flatnonzero(broken)[0])
    raise UserError(
        f"{counted(int(broken.sum()), 'transition')} of {file.path} lead elsewhere than the next "
        f"row of their trajectory begins, the first of trajectory {names[this[row]]}: "
        f"{file.rows.where([this[row]])} and {file.rows.where([after[row]])}; expected the rows of "
        "a trajectory in the order of time, without gaps. Sort them, or give each piece a "
        "trajectory of its own"
    )
