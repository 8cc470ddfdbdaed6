"""Minari's data sets of trajectories, from this machine alone. Imports no TensorFlow."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.errors import UserError, described, listed
from tfmeta.extras import import_extra

_SPACES = ("observation_space", "action_space")
_MINE = "MINARI_DATASETS_PATH"  # Minari's own variable


def minari_folder(data_dir: Any) -> Path:
    """Where data sets are: the folder that is given, or where Minari keeps them."""
    named = data_dir or os.environ.get(_MINE)
    return Path(named) if named else Path.home() / ".minari" / "datasets"


def minari_columns(names: Sequence[str], folder: Path) -> dict[str, np.ndarray]:
    """The arrays that an NPZ of the same trajectories has; the condition is the data set.

    Nothing is downloaded, and no environment is made, whatever a data set's files name.

    Args:
        names: of data sets, such as `robot/mud-v0`.
        folder: which holds them.

    Raises:
        UserError: if Minari is not installed, a data set is not there or damaged, or its
            observations or actions are no vectors.
    """
    columns: dict[str, list[Any]] = {}
    for name in names:
        for episode in _episodes(name, folder):
            rows = len(episode["actions"])
            found = {
                "observations": episode["observations"][:-1],
                "actions": episode["actions"],
                "next_observations": episode["observations"][1:],
                "trajectory": np.full(rows, f"{name}/{episode['id']}"),
                "condition": np.full(rows, name),
                "terminals": episode["terminations"],
            }
            for key, values in found.items():
                columns.setdefault(key, []).append(values)
    _check_sizes(names, columns)
    return {key: np.concatenate(values) for key, values in columns.items()}


def _episodes(name: str, folder: Path) -> Any:
    minari = import_extra("minari", package="minari", extra="minari")
    storage = minari.dataset.minari_storage.MinariStorage
    place = folder / name / "data"
    if not place.is_dir():
        there = sorted(
            path.parent.relative_to(folder).as_posix() for path in folder.glob("**/*-v*/data")
        )
        raise UserError(
            f"there is no data set {name} in {folder}; it has: {listed(there, 20) or 'none'}. "
            f"Name the folder with --data-dir, or fetch it first: minari download {name}"
        )
    try:
        if missing := [s for s in _SPACES if s not in storage.read_raw_metadata(place)]:
            # Minari would make the environment that the file names, which runs code.
            raise UserError(
                f"the data set {name} does not say its {listed(missing)}; expected one made with "
                "observation_space=... and action_space=..."
            )
        data = storage.read(place)
        for which, space in zip(_SPACES, (data.observation_space, data.action_space), strict=True):
            if type(space).__name__ != "Box" or len(space.shape) != 1:
                raise UserError(
                    f"the {which} of {name} is {space}; expected a Box of one dimension"
                )
        return list(data.get_episodes(range(data.total_episodes)))
    except (OSError, ValueError, KeyError, AssertionError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"cannot read the data set {name} in {folder} ({described(error)}); expected a "
            "whole one, as Minari makes it"
        ) from error


def _check_sizes(names: Sequence[str], columns: dict[str, list[Any]]) -> None:
    """Raises UserError if data sets have other sizes than the first, or none has an episode."""
    for key in ("observations", "actions"):
        sizes = sorted({values.shape[1] for values in columns.get(key, [])})
        if len(sizes) != 1:
            raise UserError(
                f"the {key} of {listed(names)} have the sizes {sizes}; expected one size, of one "
                "episode or more"
            )
