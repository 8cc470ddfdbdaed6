"""The report of `tfmeta inspect` for people: tables that fit 80 columns."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfmeta.inspection.report import META_BATCH
from tfmeta.pipelines.episode_source import in_words
from tfmeta.pipelines.prepared_columns import in_words as spread_in_words

_MOST_ROWS = 20  # of what there may be thousands of; the JSON has them all
_MOST_COLUMNS = 5  # feature numbers in a line
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


def print_report(report: dict, console: Console, prepared_lines=()) -> None:
    """Prints the tables, and last what `tfmeta train` would say.

    Args:
        report: as of `make_report`.
        console: where to, without markup: names may have brackets.
        prepared_lines: what the source says of its prepared examples, `(what, how)` each.
    """
    console.print(f"{report['pipeline']}  {report['data_dir'] or ''}".strip())
    sections = (
        ("Splits", _splits(report["splits"])),
        ("Data", _facts(report, prepared_lines)),
        *_duplicates(report),
        *_unreadable(report),
        *_passed_over(report),
        *_small(report),
        *_listed("Warnings", report["warnings"]),
        *_listed("Refused", report["refusals"]),
    )
    for title, table in sections:
        # Not the table's own title, which is folded to the width of its columns.
        console.print(Text(f"\n{title}", style="bold"))
        console.print(table)
    verdict = "ready to train" if report["ready"] else "`tfmeta train` would refuse this data"
    ways, shots, queries = (in_words(report["episode"], n) for n in ("ways", "shots", "queries"))
    episodes = f"{ways}-way {shots}-shot, {queries} queries a class"
    console.print(f"\n{verdict}: {report['algorithm']}, {episodes}")


def _table(*columns, right=(), headed=True):
    table = Table(box=box.SIMPLE_HEAD if headed else None, show_header=headed, show_edge=False)
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", min_width=1
        )
    return table


def _splits(splits):
    """What each split has: classes of examples, or what its tasks can be."""
    if any("classes" not in split for split in splits.values()):
        table = _table("split", "tasks", "most ways", "most examples", right=("tasks",))
        for name, split in splits.items():
            tasks = "any number" if split["tasks"] is None else f"{split['tasks']:,}"
            table.add_row(name, tasks, f"{split['most_ways']:,}", f"{split['most_examples']:,}")
        return table
    numbers = ("classes", "examples", "a class: least", "median", "most", "groups")
    table = _table("split", *numbers, right=numbers)
    for name, split in splits.items():
        spread = split["examples_per_class"]
        a_class = [f"{spread[n]:,g}" for n in ("min", "median", "max")] if spread else ["-"] * 3
        groups = "-" if split["groups"] is None else f"{split['groups']:,}"
        table.add_row(name, f"{split['classes']:,}", f"{split['examples']:,}", *a_class, groups)
    return table


def _facts(report, prepared_lines):
    table = _table("what", "how", headed=False)
    image, images = (report.get(n) for n in ("format", "images"))
    if images:
        for side in ("height", "width"):
            if images[side]:
                table.add_row(f"{side} of the files", spread_in_words(images[side], " pixels"))
        table.add_row("different sizes", f"{images['distinct_sizes']:,}")
        modes = ", ".join(f"{mode}: {number:,}" for mode, number in images["modes"].items())
        table.add_row("modes of the files", modes or "unknown")
    if image:
        colour = "1 channel (grey)" if image["channels"] == 1 else "3 channels (colour)"
        inverted = ", inverted: dark becomes bright" if image["invert"] else ""
        size = f"{image['height']} x {image['width']} pixels"
        table.add_row("for the network", f"{size}, {colour}{inverted}")
    else:
        table.add_row("for the network", f"shape {tuple(report['input_shape'])}")
    if report["target_size"] is not None:
        table.add_row("regression", f"{report['target_size']} values a target")
    for what, how in prepared_lines:
        table.add_row(what, how)
    if identical := report.get("identical"):
        for kind, title in _SAME.items():
            table.add_row(title, f"{identical[kind]:.2%} of the examples")
    if targets := report["targets"]:
        for number, mean in enumerate(targets["mean"]):
            name = f"target {number + 1}" if len(targets["mean"]) > 1 else "targets"
            own = (targets[n][number] for n in ("deviation", "min", "max"))
            how = "mean {:,.4g}, deviation {:,.4g}, from {:,.4g} to {:,.4g}".format(mean, *own)
            table.add_row(name, how)
    for each in report["baselines"]:
        table.add_row(*_baseline(each))
    if report.get("rotations", 1) > 1:
        table.add_row("rotations", f"each class counts {report['rotations']} times")
    memory = report["memory"]
    if "examples_bytes" in memory:
        where = "on disk" if memory["on_disk"] else "in memory"
        table.add_row("examples", f"{_size(memory['examples_bytes'])} {where}")
    batch = f"{_size(memory['meta_batch_bytes'])} in memory, of {META_BATCH} such episodes"
    table.add_row("meta-batch", batch)
    return table


def _baseline(found):
    """Its name and its result, with the protocol."""
    episodes = f"{found['num_tasks']} {found['split']} episodes, {found['num_queries']} queries"
    if "accuracy" in found:
        shots = f"{found['num_ways']}-way {found['num_shots']}-shot"
        score = f"{found['accuracy']:.1%} +- {found['ci95']:.1%}, chance {found['chance']:.1%}"
        return "nearest mean", f"{shots}: {score} ({episodes} a class, seed {found['seed']})"
    error, interval = (f"{found[name]:,.4g}" for name in ("mse", "ci95"))
    score = f"squared error {error} +- {interval}, its root {found['rmse']:,.4g}"
    return "support mean", f"{found['num_shots']}-shot: {score} ({episodes}, seed {found['seed']})"


def _size(number):
    """Bytes, in the unit that leaves one to three digits before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.3g} TB"


def _duplicates(report):
    for kind, title in _KINDS.items():
        sets = report.get("duplicates", {}).get(kind, [])
        if sets:
            table = _table("example", "class", "split")
            for members in sets[:_MOST_ROWS]:
                for member in members[:_MOST_ROWS]:
                    table.add_row(member["name"], member["class"], member["split"] or "none")
                _add_rest(table, members)
                table.add_section()
            _add_rest(table, sets)
            yield f"{title}: {len(sets):,}", table


def _unreadable(report):
    if files := report.get("unreadable"):
        table = _table("file", "problem")
        for each in files[:_MOST_ROWS]:
            table.add_row(each["name"], each["problem"])
        _add_rest(table, files)
        yield f"Files that can't be read: {len(files):,}", table


def _passed_over(report):
    if files := report.get("passed_over"):
        table = _table("file", headed=False)
        for name in files[:_MOST_ROWS]:
            table.add_row(name)
        _add_rest(table, files)
        yield f"Files beside the class folders, passed over: {len(files):,}", table


def _small(report):
    splits = report.get("small_classes", {})
    rows = [(n, f"{number:,}", s) for s, small in splits.items() for n, number in small.items()]
    if rows:
        needed = sum(report["episode"][f"num_{name}"] for name in ("shots", "queries"))
        table = _table("class", "examples", "split", right=("examples",))
        for row in rows[:_MOST_ROWS]:
            table.add_row(*row)
        _add_rest(table, rows)
        yield f"Classes with fewer than {needed:,} examples: {len(rows):,}", table


def _add_rest(table, things):
    if len(things) > _MOST_ROWS:
        table.add_row(f"... and {len(things) - _MOST_ROWS:,} more: --json has them all")


def _listed(title, lines):
    if lines:
        table = _table("mark", "line", headed=False)
        for line in lines:
            table.add_row("-", line)
        yield title, table
