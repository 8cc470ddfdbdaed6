"""The report of `tfmeta inspect` as text: tables that fit a terminal, whole lines in a pipe."""

from collections.abc import Iterator
from typing import Any

from tfmeta.episodes.episode_shape import in_words
from tfmeta.episodes.target_kind import KINDS, TargetKind
from tfmeta.errors import counted
from tfmeta.inspection.findings import META_BATCH
from tfmeta.inspection.lines import grid, labelled, wrapped
from tfmeta.reading.prepared_columns import in_words as spread_in_words

_MOST_ROWS = 20  # of a table; the JSON has all of them
_KINDS = {
    "across_splits": "Duplicates in several splits",
    "across_classes": "Duplicates in several classes",
    "within_class": "Duplicates within a class",
}
_SAME = {
    "across_splits": "the same in several splits",
    "across_classes": "the same in several classes",
    "within_class": "the same within a class",
}


def report_lines(report: dict[str, Any], width: int, prepared_lines: Any = ()) -> list[str]:
    """The tables, and in the last line what `tfmeta train` would say.

    Args:
        report: what `make_report` returned.
        width: of a line; a longer name is not broken.
        prepared_lines: what the source says about its examples, pairs `(what, how)`.
    """
    lines = [f"{report['pipeline']}  {report['data_dir'] or ''}".strip()]
    sections = (
        ("Splits", _splits(report["splits"], KINDS[report["target_kind"]], width)),
        ("Data", labelled(_facts(report, prepared_lines), width)),
        *_duplicates(report, width),
        *_unreadable(report, width),
        *_passed_over(report),
        *_small(report, width),
        *_listed("Warnings", report["warnings"], width),
        *_listed("Refused", report["refusals"], width),
    )
    for title, table in sections:
        lines += ["", title, *table]
    verdict = "ready to train" if report["ready"] else "`tfmeta train` would refuse this data"
    kind = KINDS[report["target_kind"]]
    episodes = in_words(report["episode"], kind=kind)
    episodes += "" if kind.are_values else " per class"
    return [*lines, "", f"{verdict}: {report['algorithm']}, {episodes}"]


def _splits(splits: Any, kind: TargetKind, width: int) -> Any:
    columns, rows = split_table(splits, kind)
    return grid(columns, rows, width, right=columns[1:])


def split_table(
    splits: dict[str, dict[str, Any]], kind: TargetKind
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns and rows for splits: classes and their examples, or possible sizes of tasks."""
    sizes = {"most ways": "most_ways", "most examples": "most_examples"}
    if not kind.are_right_answers:
        sizes = {"most trajectories": "most_examples"}
    rows: list[tuple[str, ...]] = []
    if any("classes" not in split for split in splits.values()):
        for name, split in splits.items():
            tasks = "any number" if split["tasks"] is None else f"{split['tasks']:,}"
            rows.append((name, tasks, *(f"{split[size]:,}" for size in sizes.values())))
        return ("split", "tasks", *sizes), rows
    columns = ("split", "classes", "examples", "per class: least", "median", "most", "groups")
    for name, split in splits.items():
        spread = split["examples_per_class"]
        a_class = [f"{spread[n]:,g}" for n in ("min", "median", "max")] if spread else ["-"] * 3
        groups = "-" if split["groups"] is None else f"{split['groups']:,}"
        rows.append((name, f"{split['classes']:,}", f"{split['examples']:,}", *a_class, groups))
    return columns, rows


def _facts(report: dict[str, Any], prepared_lines: Any) -> Any:
    rows = []
    if images := report.get("images"):
        for side in ("height", "width"):
            if images[side]:
                rows.append((f"{side} of the files", spread_in_words(images[side], " pixels")))
        rows.append(("different sizes", f"{images['distinct_sizes']:,}"))
        modes = ", ".join(f"{mode}: {number:,}" for mode, number in images["modes"].items())
        rows.append(("modes of the files", modes or "unknown"))
    if not KINDS[report["target_kind"]].are_right_answers:
        rows.append(("policy", f"{counted(report['target_size'] // 2, 'number')} per action"))
    elif report["target_size"] is not None:
        size = report["target_size"]
        rows.append(("regression", f"{size} values per target" if size > 1 else "one value"))
    for what, how in prepared_lines:
        rows.append((what, how))
    if identical := report.get("identical"):
        for kind, title in _SAME.items():
            rows.append((title, f"{identical[kind]:.2%} of the examples"))
    if targets := report["targets"]:
        for number, mean in enumerate(targets["mean"]):
            name = f"target {number + 1}" if len(targets["mean"]) > 1 else "targets"
            own = (targets[n][number] for n in ("deviation", "min", "max"))
            how = "mean {:,.4g}, deviation {:,.4g}, from {:,.4g} to {:,.4g}".format(mean, *own)
            rows.append((name, how))
    for each in report["baselines"]:
        rows.append(_baseline(each))
    if report.get("rotations", 1) > 1:
        rows.append(("rotations", f"each class counts {report['rotations']} times"))
    memory = report["memory"]
    if "examples_bytes" in memory:
        where = "on disk" if memory["on_disk"] else "in memory"
        rows.append(("examples", f"{_size(memory['examples_bytes'])} {where}"))
    batch = f"{_size(memory['meta_batch_bytes'])} in memory, of {META_BATCH} such episodes"
    rows.append(("meta-batch", batch))
    return rows


def _baseline(found: Any) -> Any:
    """The name and the result of a baseline, with the protocol."""
    episodes = f"{found['num_tasks']} {found['split']} episodes, {found['num_queries']} queries"
    if "return" in found:
        score = f"{found['return']:,.4g} +- {found['ci95']:.2g}"
        return "random actions", f"return {score} ({found['num_tasks']} {found['split']} tasks)"
    if "accuracy" in found:
        shots = f"{found['num_ways']}-way {found['num_shots']}-shot"
        score = f"{found['accuracy']:.1%} +- {found['ci95']:.1%}, chance {found['chance']:.1%}"
        return "nearest mean", f"{shots}: {score} ({episodes} per class, seed {found['seed']})"
    error, interval = (f"{found[name]:,.4g}" for name in ("mse", "ci95"))
    score = f"squared error {error} +- {interval}, its root {found['rmse']:,.4g}"
    return "support mean", f"{found['num_shots']}-shot: {score} ({episodes}, seed {found['seed']})"


def _size(number: Any) -> str:
    """A number of bytes, in the unit in which it has one to three digits before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.3g} TB"


def _duplicates(report: dict[str, Any], width: int) -> Iterator[Any]:
    for kind, title in _KINDS.items():
        sets = report.get("duplicates", {}).get(kind, [])
        if sets:
            rows = []
            for members in sets[:_MOST_ROWS]:
                rows += [_member(member) for member in members[:_MOST_ROWS]]
                rows += [*_rest(members), ""]
            rows += _rest(sets)
            table = grid(("example", "class", "split"), rows, width)
            yield f"{title}: {len(sets):,}", table[:-1] if not table[-1] else table


def _member(member: Any) -> Any:
    return member["name"], member["class"], member["split"] or "none"


def _unreadable(report: dict[str, Any], width: int) -> Iterator[Any]:
    if files := report.get("unreadable"):
        rows = [(each["name"], each["problem"]) for each in files[:_MOST_ROWS]]
        table = grid(("file", "problem"), [*rows, *_rest(files)], width, prose=True)
        yield f"Files that can't be read: {len(files):,}", table


def _passed_over(report: dict[str, Any]) -> Iterator[Any]:
    if files := report.get("passed_over"):
        lines = [f" {name}" for name in files[:_MOST_ROWS]]
        yield f"Files beside the class folders, passed over: {len(files):,}", lines + _rest(files)


def _small(report: dict[str, Any], width: int) -> Iterator[Any]:
    splits = report.get("small_classes", {})
    rows = [(n, f"{number:,}", s) for s, small in splits.items() for n, number in small.items()]
    if rows:
        needed = sum(report["episode"][f"num_{name}"] for name in ("shots", "queries"))
        lines = [*rows[:_MOST_ROWS], *_rest(rows)]
        table = grid(("class", "examples", "split"), lines, width, right=("examples",))
        yield f"Classes with fewer than {needed:,} examples: {len(rows):,}", table


def _rest(things: Any) -> Any:
    more = len(things) - _MOST_ROWS
    return [f" ... and {more:,} more: --json has them all"] if more > 0 else []


def _listed(title: Any, lines: Any, width: int) -> Iterator[Any]:
    if lines:
        found = (wrapped(line, width, first=" -  ", later="    ") for line in lines)
        yield title, [line for each in found for line in each]
