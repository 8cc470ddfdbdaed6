"""Runs as tables of text, in lines of some width or whole ones for a pipe."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import kind_with
from tfmeta.errors import counted
from tfmeta.evaluation.written import written_score
from tfmeta.inspection.lines import grid, wrapped

_COLUMNS = ("run", "learner", "validation", "test")
_INDENT = "     "


def tables(facts: dict[str, Any], width: int) -> list[str]:
    """One table for each group of runs that are compared; then the broken runs.

    Args:
        facts: of `Runs`.
        width: of a line.
    """
    lines: list[str] = []
    for group in facts["groups"]:
        rows: list[Any] = []
        for run in group["runs"]:
            rows += [_row(run), *_below(run, width)]
        heading = wrapped(_heading(group), width, later="  ")
        table = grid(_COLUMNS, rows, width, right=_COLUMNS[2:])
        lines += [*heading, *table, *_not_ranked(group, width), ""]
    if facts["broken"]:
        lines.append("broken or half-written:")
        for each in facts["broken"]:
            lines += wrapped(f"{each['run']}: {each['problem']}", width, first=" ", later=_INDENT)
    if not lines:
        return [f"no runs in {facts['folder']}"]
    return lines if lines[-1] else lines[:-1]


def _heading(group: dict[str, Any]) -> str:
    task = group["task"]
    words = in_words(task, kind=kind_with(group["metric"]))
    within = ", within a group" if task.get("within_group") else ""
    places = {run["data_dir"] for run in group["runs"]} - {None}
    where = f" of {places.pop()}" if len(places) == 1 else ""
    return f"{group['pipeline']}{where}, {words}{within}, {task['mode']}: {group['metric']}"


def _not_ranked(group: dict[str, Any], width: int) -> list[str]:
    """A sentence where runs without a test may be better than those above them."""
    sign = kind_with(group["metric"]).sign
    tested = [run for run in group["runs"] if run["test"] and run["validation"]]
    least = min((sign * run["validation"]["score"] for run in tested), default=None)
    better = [
        run["run"]
        for run in group["runs"]
        if least is not None
        and not run["test"]
        and run["validation"]
        and sign * run["validation"]["score"] > least
    ]
    if not better:
        return []
    said = (
        "Runs with a test stand before those without, by their test. Not tested, with a better "
        f"validation than a run above: {', '.join(better)}. Next: tfmeta evaluate {better[0]}"
    )
    return wrapped(said, width, first=" ", later=" ")


def _learner(run: dict[str, Any]) -> str:
    """A network that is chosen by the examples has its name with the first checkpoint."""
    if run["network"] == "auto":
        return f"{run['algorithm']} on its default network"
    return f"{run['algorithm']} on {run['network']}"


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    validation, test = run["validation"], run["test"]
    return (
        run["run"],
        _learner(run),
        written_score(run["metric"], validation["score"]) if validation else "-",
        written_score(run["metric"], test["score"], test["ci95"]) if test else "-",
    )


def _below(run: dict[str, Any], width: int) -> Iterator[str]:
    """How far it is and why it stopped; then how its figures came about."""
    done = f"{run['step']:,}" if run["steps"] is None else f"{run['step']:,} of {run['steps']:,}"
    when = datetime.fromisoformat(run["changed"]).strftime("%Y-%m-%d %H:%M")
    parts = [f"{done} steps, {run['minutes']:.3g} min, {run['stopped']}, {when}"]
    if (validation := run["validation"]) is not None:
        tasks = counted(validation["num_tasks"], "task")
        parts.append(f"validation: step {validation['step']:,}, {tasks}")
    if (test := run["test"]) is not None:
        step = (
            "" if test["is_current"] else f"of step {test['step']:,}, which is not the best now, "
        )
        parts.append(f"test: {step}{counted(test['num_tasks'], 'task')}")
    for other in _newest_of_each(run["results"]):
        words = in_words(other, kind=kind_with(run["metric"]))
        where = f"{other['split']} of {other['pipeline']}"
        score = written_score(run["metric"], other["score"], other["ci95"])
        parts.append(f"{words}, {where}: {score}")
    yield from wrapped("; ".join(parts), width, first=_INDENT, later=_INDENT)


def _newest_of_each(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last result of each protocol; the number of tasks, the seed and the step don't count."""
    passed_over = ("score", "ci95", "num_tasks", "seed", "step", "episodes_sha256")
    found = {}
    for result in results:
        protocol = {name: v for name, v in result.items() if name not in passed_over}
        found[tuple(sorted(protocol.items()))] = result
    return list(found.values())
