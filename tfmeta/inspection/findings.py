"""What is in a source's data and what is wrong with it: facts, as a dict that JSON can hold."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, counted, listed
from tfmeta.inspection.baseline import baselines
from tfmeta.inspection.class_names import names_alike
from tfmeta.inspection.identity import alike, as_the_network_sees, given_digests
from tfmeta.reading.origins import Origins, unreadable_files
from tfmeta.reading.prepared import Prepared
from tfmeta.reading.prepared_columns import spread_of
from tfmeta.reading.record_file import RecordFile
from tfmeta.reading.split_names import SPLITS
from tfmeta.training.plan import Plan

META_BATCH = 32  # tasks for which the memory of a step is estimated
_FLOAT_BYTES = 4  # per number in an episode; examples may be stored in fewer
_TARGETS = 1000  # episodes of one example each, from which the scale is computed
_LEAST_RATIO = 2  # training classes per way; with fewer, episodes repeat
_DUPLICATES = {
    "across_splits": "a score is partly on what was trained on. Keep each example in one split",
    "across_classes": "their labels contradict each other. Keep each example in one class",
    "within_class": "a query may be in the support set. Keep each example once",
}


def make_report(plan: Plan) -> dict[str, Any]:
    """Everything that `tfmeta inspect` says, except for the contact sheet.

    Args:
        plan: of the run that the data is meant for. Its source must have been opened with
            `skip_unreadable`, so that it knows every unreadable file.

    Returns:
        Facts that every source has, and the data of a ClassSource. `refusals` are those of `tfmeta
        train`, in its words and order; `ready` says whether there are none.
    """
    source, settings, shape = plan.source, plan.settings, plan.task_shape
    report: dict[str, Any] = {
        "pipeline": settings.pipeline,
        "data_dir": settings.data_dir,
        "algorithm": settings.algorithm,
        "episode": shape.protocol(),
        "source": source.name,
        "input_shape": list(source.input_shape),
        "target_size": source.target_size,
        "format": source.input_format.to_dict() if source.input_format.suffix else None,
    }
    report["splits"] = splits_of(source, shape)
    if isinstance(source, ClassSource):
        report |= _data(source, shape, list(report["splits"]))
    if source.prepared is not None:
        report |= source.prepared.facts()
    kind = source.target_kind
    report["target_kind"] = kind.name
    has_targets = kind.are_values and kind.are_right_answers
    report["targets"] = _targets(source) if has_targets else None
    report["baselines"] = baselines(source, shape, seed=settings.seed)
    report.setdefault("memory", {})["meta_batch_bytes"] = _meta_batch_bytes(source, shape)
    report["refusals"] = _refusals(plan, report.get("unreadable", []))
    report["warnings"] = _warnings(plan, report)
    return report | {"ready": not report["refusals"]}


def splits_of(source: EpisodeSource, shape: EpisodeShape) -> dict[str, dict[str, Any]]:
    """For each split the numbers of classes and examples, or the sizes that its tasks can have."""
    if not isinstance(source, ClassSource):
        return _limits(source, shape)
    index = source.index
    names = [*SPLITS, *sorted(set(index.splits) - set(SPLITS))]
    return {name: _split(index, name) for name in names if name in index.splits}


def _data(source: ClassSource, shape: EpisodeShape, splits: Sequence[str]) -> dict[str, Any]:
    index = source.index
    origins = index.origins
    return {
        "rotations": source.num_rotations,
        "images": _images(origins),
        "unreadable": [{"name": name, "problem": why} for name, why in origins.unreadable],
        "passed_over": list(origins.passed_over),
        "duplicates": _duplicates(index),
        "identical": as_the_network_sees(index, cast(Prepared, source.prepared)),
        "small_classes": {split: source.small_classes(split, shape) for split in splits},
        "memory": {
            "examples_bytes": _num_bytes(index.examples),
            "on_disk": isinstance(index.examples, RecordFile),
        },
    }


def _num_bytes(examples: Any) -> Any:
    if isinstance(examples, RecordFile):
        return examples.num_bytes
    return math.prod(examples.shape) * examples.dtype.itemsize


def _limits(source: EpisodeSource, shape: EpisodeShape) -> dict[str, dict[str, Any]]:
    """Facts about the splits of a source without a ClassIndex."""
    tasks = source.recorded_splits() or {}
    splits = {}
    for split in tasks or SPLITS:
        try:
            ways, examples = source.limits(split, shape)
        except UserError:  # there is no such split; a refusal says what to do about it
            continue
        numbers = {"most_ways": int(ways), "most_examples": int(examples)}
        splits[split] = {"tasks": len(tasks[split]) if tasks else source.num_tasks, **numbers}
    return splits


def _split(index: ClassIndex, split: str) -> dict[str, Any]:
    classes = index.classes(split)
    counts = index.counts[classes]
    return {
        "classes": len(classes),
        "examples": int(counts.sum()),
        "examples_per_class": spread_of(counts),
        "groups": None if index.groups is None else len(np.unique(index.groups[classes])),
    }


def _images(origins: Origins) -> dict[str, Any] | None:
    if origins.sizes is None:
        return None
    return {
        "height": spread_of(origins.sizes[:, 0]),
        "width": spread_of(origins.sizes[:, 1]),
        "distinct_sizes": len(np.unique(origins.sizes, axis=0)),
        "modes": dict(Counter(origins.modes).most_common()),
    }


def _targets(source: EpisodeSource) -> dict[str, Any] | None:
    """The scale of the targets in training episodes, one number per value of a target."""
    shots = EpisodeShape(1, 1, 1, skip_small_classes=True)
    try:
        batch = next(iter(source.episodes("train", shots, num_tasks=_TARGETS)))
    except UserError:  # a refusal says so
        return None
    y = np.asarray(batch.support_y, np.float64).reshape(-1, cast(int, source.target_size))
    return {
        "mean": y.mean(0).tolist(),
        "deviation": y.std(0).tolist(),
        "min": y.min(0).tolist(),
        "max": y.max(0).tolist(),
    }


def _duplicates(index: ClassIndex) -> dict[str, Any]:
    """Sets of examples that are equal as they were given, each under the worst kind that fits."""
    split_of = {c: split for split, classes in index.splits.items() for c in classes.tolist()}

    def members(numbers: Any) -> list[Any]:
        classes = index.labels[numbers].tolist()
        return [
            {"name": _name(index, n), "class": index.class_names[c], "split": split_of.get(c)}
            for n, c in zip(numbers, classes, strict=True)
        ]

    found = alike(index, given_digests(index))
    return {kind: [members(numbers) for numbers in sets] for kind, sets in found.items()}


def _name(index: ClassIndex, number: Any) -> Any:
    names = index.origins.names
    return names[number] if names else f"example {number + 1}"


def _meta_batch_bytes(source: EpisodeSource, shape: EpisodeShape) -> Any:
    examples = shape.num_ways * (shape.num_shots + shape.num_queries)
    return (
        META_BATCH
        * examples
        * source.rows_per_example
        * math.prod(source.input_shape)
        * _FLOAT_BYTES
    )


def _refusals(plan: Plan, unreadable: Any) -> list[str]:
    """The refusals of `Trainer.start`, one after the other."""
    found = []
    if unreadable and not plan.settings.skip_unreadable:
        found.append(unreadable_files([(each["name"], each["problem"]) for each in unreadable]))
    return found + plan.refusals()


def _problem(source: EpisodeSource, split: str, shape: EpisodeShape) -> str | None:
    try:
        source.check(split, shape)
    except UserError as error:
        return str(error)
    return None


def _warnings(plan: Plan, report: dict[str, Any]) -> list[str]:
    """Warnings about what does not stop training, but may spoil it or what comes after it."""
    lines, source, shape = [], plan.source, plan.task_shape
    if plan.settings.skip_unreadable and (files := report.get("unreadable")):
        lines.append(f"files that can't be read, and are left out: {len(files):,}")
    if files := report.get("passed_over"):
        lines.append(f"files beside the class folders, passed over: {len(files):,}")
    for kind, harm in _DUPLICATES.items():
        if sets := report.get("duplicates", {}).get(kind):
            lines.append(f"duplicates {kind.replace('_', ' ')}: {len(sets):,}; {harm}")
    lines += _identical(report)
    if source.prepared is not None:
        lines += source.prepared.warnings(report)
    lines += _at_chance(report["baselines"])
    if not source.target_kind.are_values:
        lines += _few_classes(source, shape)
        lines += names_alike(_class_names(source))
    fate = "left out" if shape.skip_small_classes else "a learner may need as many in training"
    for split, small in report.get("small_classes", {}).items():
        if small:
            lines.append(
                f"classes of the {split} split with too few examples for "
                f"{shape.examples_in_words}: {len(small):,}; {fate}"
            )
    if problem := _problem(source, "test", shape):
        lines.append(f"`tfmeta evaluate` would refuse the test split: {problem}")
    return lines


def _class_names(source: EpisodeSource) -> Sequence[str]:
    return source.index.class_names if isinstance(source, ClassSource) else ()


def _identical(report: dict[str, Any]) -> Any:
    """Warnings about examples, and classes of examples, that are equal only after preparation."""
    if "identical" not in report:
        return []
    lines, total = [], sum(each["examples"] for each in report["splits"].values())
    for kind, harm in _DUPLICATES.items():
        known = sum(map(len, report["duplicates"][kind]))
        seen = round(report["identical"][kind] * total)
        if seen > known:
            lines.append(
                f"examples that are the same to the network, though not in the file, "
                f"{kind.replace('_', ' ')}: {seen - known:,} of {total:,}; {harm.split('.')[0]}"
            )
    if same := report["identical"]["classes"]:
        lines.append(
            f"classes whose examples are all the same to the network: {len(same):,} "
            f"({listed(same)}); what varies within a class can't be learned from them"
        )
    return lines


def _at_chance(found: Any) -> list[Any]:
    """A warning if the baseline with the most shots does no better than a guess."""
    if not found or "accuracy" not in found[-1]:
        return []
    last = found[-1]
    if last["accuracy"] - last["ci95"] > last["chance"]:
        return []
    return [
        f"the nearest class mean is right as often as a guess ({last['accuracy']:.1%}, "
        f"{last['num_ways']}-way {last['num_shots']}-shot, chance {last['chance']:.1%}); the "
        "classes may not be told apart by these examples. Look at the data and its labels"
    ]


def _few_classes(source: EpisodeSource, shape: EpisodeShape) -> list[Any]:
    classes, _ = source.limits("train", shape.changed(within_group=False, query_other_group=False))
    if not shape.num_ways <= classes < _LEAST_RATIO * shape.num_ways:
        return []
    return [
        f"the train split has {counted(classes, 'class')} for {shape.num_ways} ways; expected "
        f"{_LEAST_RATIO * shape.num_ways} or more, else episodes are much alike and what is "
        f"learned is those classes. Add classes{' or lower --ways' if shape.num_ways > 2 else ''}"
    ]
