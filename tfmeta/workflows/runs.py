"""`tfmeta.runs`: the runs in a folder, the best first. Imports no TensorFlow."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfmeta.episodes.target_kind import kind_with
from tfmeta.errors import UserError, described
from tfmeta.evaluation.facts import Facts
from tfmeta.inspection.lines import UNLIMITED
from tfmeta.terminal import plain_values
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.run_summary import summary_of
from tfmeta.user_files import AnyPath, is_hidden
from tfmeta.workflows.arguments import path
from tfmeta.workflows.run_tables import tables

_DEPTH = 3  # folders below the one that is looked through
_FILES = ("config.json", "source.json", "splits.json", "environment.json", "metrics.jsonl")
_LEAST_FILES = 2  # of these are a run, or what is left of one


@dataclass(frozen=True)
class Runs(Facts):
    """The runs in a folder. `str(runs)` is the table that `tfmeta runs` prints.

    Attributes:
        facts: what `tfmeta runs --json` prints: the `folder`; the `groups` of runs that are
            compared with each other, the best run of each first; and the `broken` ones, each with
            its `problem`. Iteration gives the runs of all groups.
    """

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (run for group in self.facts["groups"] for run in group["runs"])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The tables in lines of so many characters, control characters shown escaped."""
        return tables(plain_values(self.facts), width)


def runs(folder: AnyPath = "runs") -> Runs:
    """The runs in a folder and in the folders below it, as `tfmeta runs` shows them.

    Runs are compared with each other if they have the pipeline, the classes of each split, the task
    (ways, shots, queries) and the mode in common. The best one has the best test result of that
    task; runs without one come after those with one, by their validation.

    Args:
        folder: where the runs are; a run's own directory is one run.

    Raises:
        UserError: if there is no such folder.
    """
    folder = path("folder", folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; expected one with runs of `tfmeta train`")
    found: list[dict[str, Any]] = []
    broken: list[dict[str, Any]] = []
    for each in _run_folders(folder):
        try:
            found.append(summary_of(RunDirectory.open(each)))
        except UserError as error:
            broken.append({"run": str(each), "problem": " ".join(str(error).split())})
        except (OSError, ValueError) as error:
            broken.append({"run": str(each), "problem": described(error)})
    return Runs({"folder": str(folder), "groups": _groups(found), "broken": broken})


def _run_folders(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The folders that are runs or what is left of one, by their names; none inside another."""
    if sum(os.path.lexists(folder / name) for name in _FILES) >= _LEAST_FILES:
        yield folder
    elif depth < _DEPTH:
        try:
            below = sorted(folder.iterdir())
        except OSError:  # not ours to read
            return
        for each in below:
            if each.is_dir() and not each.is_symlink() and not is_hidden(each):
                yield from _run_folders(each, depth + 1)


def _groups(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups by their pipelines, and in each the runs, the best first."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for run in found:
        task = tuple(sorted(run["task"].items()))
        groups.setdefault((run["pipeline"], task, run["data"], run["metric"]), []).append(run)
    ordered = sorted(groups.values(), key=lambda runs: (runs[0]["pipeline"], str(runs[0]["task"])))
    return [
        {
            **{name: runs[0][name] for name in ("pipeline", "task", "metric")},
            "runs": sorted(runs, key=_rank),
        }
        for runs in ordered
    ]


def _rank(run: dict[str, Any]) -> Any:
    """Sorts runs: those with a test result, those with a validation, the others."""
    sign = -kind_with(run["metric"]).sign  # the best comes first
    for place, figure in enumerate(("test", "validation")):
        if run[figure]:
            return place, sign * run[figure]["score"], run["run"]
    return 2, 0.0, run["run"]
