"""The commands that repeat the runs and the report, and the settings of each run."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfmeta.reporting.blocks import Block, Lines
from tfmeta.reporting.tested_run import TestedRun
from tfmeta.training.progress import Progress

_MOST_VALUES = 20  # of a list that is shown whole


def blocks(runs: Sequence[TestedRun], progress: Progress) -> list[Block]:
    del progress
    trained = [_line("train", run.run.settings.pipeline, *_new_run(run.run.path)) for run in runs]
    tested = [_line("evaluate", run.name, *run.asked) for run in runs]
    settings = [
        Lines(_shown(run.run.settings.to_flat()), f"Settings of {run.name}", is_folded=True)
        for run in runs
    ]
    changed = [
        _line("robustness", run.name, *options)
        for run in runs
        if (options := _options_of_robustness(run)) is not None
    ]
    report = _line("report", *(run.name for run in runs), *runs[0].asked)
    return [Lines([*trained, *tested, *changed, report]), *settings]


def _options_of_robustness(run: TestedRun) -> list[str] | None:
    """Those of the result that the report shows; None if it has none, or does not know them."""
    results = run.run.robustness.read()
    options: list[str] | None = results[-1].get("options") if results else None
    return options


def _line(*words: str) -> str:
    return shlex.join(["tfmeta", *words])


def _new_run(path: Path) -> list[str]:
    """The options for a run like the one at a path."""
    return [f"--config={path / 'config.json'}", f"--run-dir={path}-again"]


def _shown(settings: dict[str, Any]) -> list[str]:
    """The settings as JSON, line by line; of long lists their length."""
    short = {
        name: f"{len(value):,} values"
        if isinstance(value, list) and len(value) > _MOST_VALUES
        else value
        for name, value in settings.items()
    }
    return json.dumps(short, indent=2).splitlines()
