"""What a run's files say of it in short: what learned what, how well, and why it stopped.

Imports no TensorFlow, and changes nothing.
"""

import hashlib
import json
import math
from dataclasses import replace
from datetime import datetime
from typing import Any

from tfmeta import files
from tfmeta import typed_fields as typed
from tfmeta.episodes.target_kind import ACTIONS, TargetKind
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.shapes import episode_shape

_SOURCE = {"target_size": typed.or_null(typed.COUNT)}
_NEWER = {"targets": typed.or_null(typed.one_of(ACTIONS.name))}
_RESULT = {
    **dict.fromkeys(("split", "mode", "pipeline"), typed.TEXT),
    **dict.fromkeys(("num_tasks", "num_ways", "num_shots", "num_queries"), typed.COUNT),
    "ci95": typed.or_null(typed.NUMBER),
}
_NATURAL: typed.Kind = (
    "a whole number from 0 up",
    lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0,
)
# Of a result, where it has them: the first ones are no part of the task.
_ALSO = {"seed": _NATURAL, "step": _NATURAL, "episodes_sha256": typed.TEXT}
_OPTIONAL = {
    **_ALSO,
    **{f"least_{name}": typed.COUNT for name in ("ways", "shots", "queries")},
    **dict.fromkeys(
        ("within_group", "query_other_group", "unbalanced", "skip_small_classes"), typed.TRUTH
    ),
}


def summary_of(run: RunDirectory) -> dict[str, Any]:
    """The facts that `tfmeta runs --json` prints of a run.

    Args:
        run: that exists.

    Returns:
        `pipeline`, `data_dir`, `algorithm`, `network`; the `metric` of its targets and the `task`,
        which are the sizes of its episodes and the mode; `data`, a digest of the classes of each
        split, which runs on the same data have in common (None for an endless family);
        `validation` (`score`, `num_tasks`, `step`) and `test` (`score`, `ci95` and the protocol),
        None if there was none; the `results` of other protocols; `step`, `steps`, `minutes`,
        `max_minutes`; why it `stopped`, and when it `changed` last.

    Raises:
        UserError: if a file of the run is missing or damaged.
    """
    settings = run.settings
    facts = {"targets": None, **typed.read_object(run.path / "source.json", _SOURCE)}
    typed.checked(facts, _NEWER, f"{run.path / 'source.json'}")
    kind = TargetKind.of_size(facts["target_size"], facts["targets"])
    mode = "transductive" if settings.transductive else "inductive"
    shape = episode_shape(replace(settings, ways=settings.ways or kind.default_ways))
    task = {**shape.protocol(), "mode": mode}
    best, results = run.best, _results(run, kind.metric)
    used = run.step if best is None else best[0]
    own = [each for each in results if _is_own(each, task, {settings.pipeline, facts["name"]})]
    return {
        "run": str(run.path),
        **{name: getattr(settings, name) for name in ("pipeline", "data_dir", "algorithm")},
        "network": run.network,
        "metric": kind.metric,
        "task": task,
        "data": _digest_of_splits(run),
        "validation": best
        and {"score": best[1], "num_tasks": settings.validation_tasks, "step": best[0]},
        "test": {**own[-1], "is_current": own[-1].get("step", used) == used} if own else None,
        "results": [each for each in results if each not in own],
        "step": run.step,
        "steps": settings.steps,
        "minutes": run.minutes,
        "max_minutes": settings.max_minutes,
        "stopped": why_stopped(run),
        "changed": _last_change(run),
    }


def why_stopped(run: RunDirectory) -> str:
    """Why a run does not train now, in words; "training" if it does."""
    settings = run.settings
    if run.is_locked:
        return "training"
    failed = [line["step"] for line in run.metrics.read() if "not_finite" in line]
    if failed and failed[-1] > run.step:
        return f"not finite at step {failed[-1]:,}"
    if run.stopped_by:
        return f"ended by {run.stopped_by}"
    if settings.steps is not None and run.step >= settings.steps:
        return "finished"
    if settings.max_minutes is not None and run.minutes >= settings.max_minutes:
        return "finished, its time was over"
    return "interrupted" if run.step else "interrupted before its first checkpoint"


def _results(run: RunDirectory, metric: str) -> list[dict[str, Any]]:
    """The results in short: the score, its interval and its protocol; finite ones alone."""
    found = []
    for result in run.results.read():
        optional = {name: kind for name, kind in _OPTIONAL.items() if name in result}
        fields = {**_RESULT, **optional, metric: typed.or_null(typed.NUMBER)}
        typed.checked(result, fields, str(run.results.path))
        if result[metric] is not None and math.isfinite(result[metric]):
            short = {name: result[name] for name in (*_RESULT, *optional)}
            found.append({"score": result[metric], **short})
    return found


def _is_own(result: dict[str, Any], task: dict[str, Any], pipelines: set[str]) -> bool:
    """Whether a result is of the test episodes of the run's own task.

    Args:
        result: in short.
        task: of the run.
        pipelines: the names of the run's own, as the user gave it and as its source has it.
    """
    sizes = {*task, *_OPTIONAL} - {*_ALSO}
    return (
        result["split"] == "test"
        and result["pipeline"] in pipelines
        and all(result.get(name) == task.get(name) for name in sizes)
    )


def _digest_of_splits(run: RunDirectory) -> str | None:
    path = run.path / "splits.json"
    if not path.exists():
        return None
    return hashlib.sha256(json.dumps(files.read_json(path), sort_keys=True).encode()).hexdigest()


def _last_change(run: RunDirectory) -> str:
    """When a file of the run's training was changed last, in the machine's time zone."""
    paths = [run.path / "config.json", run.metrics.path, *run.checkpoints.glob("*.keras")]
    newest = max(path.stat().st_mtime for path in paths if path.exists())
    return datetime.fromtimestamp(newest).astimezone().isoformat(timespec="seconds")
