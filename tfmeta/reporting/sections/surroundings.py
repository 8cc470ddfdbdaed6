"""What the runs were trained with, and what they were tested with."""

from collections.abc import Sequence
from typing import Any

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.reporting.blocks import Block, Table
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.environment import environment
from tfmeta.training.progress import Progress


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    found = {run.name: _trained_with(run) for run in runs} | {"this report": _flat(environment())}
    names = dict.fromkeys(name for each in found.values() for name in each)
    rows = [(name, *(each.get(name, "-") for each in found.values())) for name in names]
    return [Table(("", *found), rows)]


def _trained_with(run: TestedRun) -> dict[str, str]:
    try:
        recorded = files.read_json(run.run.path / "environment.json")
    except UserError:  # a run that somebody moved without it is still a run
        return {}
    return _flat(recorded) if isinstance(recorded, dict) else {}


def _flat(recorded: dict[str, Any]) -> dict[str, str]:
    packages = recorded.get("packages")
    others = {name: str(v) for name, v in recorded.items() if name != "packages" and v is not None}
    return others | ({n: str(v) for n, v in packages.items()} if isinstance(packages, dict) else {})
