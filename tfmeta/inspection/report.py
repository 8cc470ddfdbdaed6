"""What is in a source's data and what is wrong with it: facts, as a dict that JSON can hold."""

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np

from tfmeta.errors import UserError
from tfmeta.pipelines.class_index import ClassIndex
from tfmeta.pipelines.class_source import ClassSource
from tfmeta.pipelines.episode_source import EpisodeShape, EpisodeSource
from tfmeta.pipelines.image_files import unreadable_files
from tfmeta.pipelines.record_file import RecordFile
from tfmeta.pipelines.splitting import SPLITS
from tfmeta.training.building import data_refusals, episode_shape
from tfmeta.training.settings import Settings

META_BATCH = 32  # tasks that the memory of a step is estimated for
_CHUNK = 1024  # examples that are read at a time
_FLOAT_BYTES = 4  # of a number in an episode, whatever the examples are stored as
_LEAST_RATIO = 2  # training classes for each way; with fewer, episodes are hardly ever new
_DUPLICATES = {
    "across_splits": "a score is partly on what was trained on. Keep each example in one split",
    "across_classes": "their labels contradict each other. Keep each example in one class",
    "within_class": "a query may be in the support set. Keep each example once",
}


def make_report(source: EpisodeSource, settings: Settings) -> dict:
    """All that `tfmeta inspect` says, but for the contact sheet.

    Args:
        source: opened with `skip_unreadable`, so that it knows every such file.
        settings: of the run that the data is meant for, resolved, as `Trainer.start` has them.

    Returns:
        What every source knows, and the data of a ClassSource. `refusals` are `tfmeta train`'s, in
        its words and order; `ready` says that there are none.
    """
    shape = episode_shape(settings)
    report = {
        "pipeline": settings.pipeline,
        "data_dir": settings.data_dir,
        "algorithm": settings.algorithm,
        "episode": shape.protocol(),
        "source": source.name,
        "input_shape": list(source.input_shape),
        "target_size": source.target_size,
        "format": source.image_format and source.image_format.to_dict(),
    }
    if isinstance(source, ClassSource):
        report |= _data(source, shape)
    else:
        report["splits"] = _limits(source, shape)
    report.setdefault("memory", {})["meta_batch_bytes"] = _meta_batch_bytes(source, shape)
    report["refusals"] = _refusals(source, settings, report.get("unreadable", []))
    report["warnings"] = _warnings(source, settings, report)
    return report | {"ready": not report["refusals"]}


def _data(source, shape):
    index = source.index
    origins = index.origins
    splits = [*SPLITS, *sorted(set(index.splits) - set(SPLITS))]
    splits = [split for split in splits if split in index.splits]
    return {
        "rotations": source.num_rotations,
        "splits": {split: _split(index, split) for split in splits},
        "images": _images(origins),
        "vectors": _vectors(index.examples) if source.image_format is None else None,
        "unreadable": [{"name": name, "problem": why} for name, why in origins.unreadable],
        "passed_over": list(origins.passed_over),
        "duplicates": _duplicates(index),
        "small_classes": {split: source.small_classes(split, shape) for split in splits},
        "memory": {
            "examples_bytes": _num_bytes(index.examples),
            "on_disk": isinstance(index.examples, RecordFile),
        },
    }


def _num_bytes(examples):
    if isinstance(examples, RecordFile):
        return examples.num_bytes
    return math.prod(examples.shape) * examples.dtype.itemsize


def _limits(source, shape):
    """What a source without a ClassIndex knows of its splits."""
    tasks = source.recorded_splits() or {}
    splits = {}
    for split in tasks or SPLITS:
        try:
            ways, examples = source.limits(split, shape)
        except UserError:  # it has no such split; what is to be done about it, a refusal says
            continue
        numbers = {"most_ways": int(ways), "most_examples": int(examples)}
        splits[split] = {"tasks": len(tasks[split]) if tasks else None, **numbers}
    return splits


def _split(index, split):
    classes = index.classes(split)
    counts = index.counts[classes]
    return {
        "classes": len(classes),
        "examples": int(counts.sum()),
        "examples_per_class": _range(counts),
        "groups": None if index.groups is None else len(np.unique(index.groups[classes])),
    }


def _range(values):
    if not len(values):
        return None
    middle = float(np.median(values))
    return {"min": values.min().item(), "median": middle, "max": values.max().item()}


def _images(origins):
    if origins.sizes is None:
        return None
    return {
        "height": _range(origins.sizes[:, 0]),
        "width": _range(origins.sizes[:, 1]),
        "distinct_sizes": len(np.unique(origins.sizes, axis=0)),
        "modes": dict(Counter(origins.modes).most_common()),
    }


def _vectors(examples):
    flat = np.reshape(examples[:], (len(examples), -1))
    if not flat.size:
        return None
    constant = np.flatnonzero(flat.min(0) == flat.max(0)) + 1
    return {
        "features": flat.shape[1],
        "constant_features": constant.tolist(),  # counted from 1
        "mean": _range(flat.mean(0, dtype=np.float64)),
        "deviation": _range(flat.std(0, dtype=np.float64)),
    }


def _duplicates(index: ClassIndex):
    """Sets of equal examples, each under the worst that it is."""
    split_of = {c: split for split, classes in index.splits.items() for c in classes.tolist()}
    numbers_of = defaultdict(list)
    for number, digest in enumerate(index.origins.digests or _digests(index.examples)):
        numbers_of[digest].append(number)
    found = {kind: [] for kind in _DUPLICATES}
    for numbers in numbers_of.values():
        if len(numbers) == 1:
            continue
        classes = index.labels[numbers].tolist()
        splits = [split_of.get(c) for c in classes]
        across_classes = "across_classes" if len(set(classes)) > 1 else "within_class"
        kind = "across_splits" if len(set(splits)) > 1 else across_classes
        found[kind].append(
            [
                {"name": _name(index, number), "class": index.class_names[c], "split": split}
                for number, c, split in zip(numbers, classes, splits, strict=True)
            ]
        )
    return found


def _digests(examples):
    for start in range(0, len(examples), _CHUNK):
        for example in examples[start : start + _CHUNK]:
            yield hashlib.blake2b(np.ascontiguousarray(example), digest_size=16).digest()


def _name(index, number):
    names = index.origins.names
    return names[number] if names else f"example {number + 1}"


def _meta_batch_bytes(source, shape):
    examples = shape.num_ways * (shape.num_shots + shape.num_queries)
    return META_BATCH * examples * math.prod(source.input_shape) * _FLOAT_BYTES


def _refusals(source, settings, unreadable):
    """What `Trainer.start` would say, one after the other."""
    found = []
    if unreadable and not settings.skip_unreadable:
        found.append(unreadable_files([(each["name"], each["problem"]) for each in unreadable]))
    return found + data_refusals(settings, source)


def _problem(source, split, shape: EpisodeShape):
    try:
        source.check(split, shape)
    except UserError as error:
        return str(error)
    return None


def _warnings(source, settings, report):
    """What does not stop training, but may spoil it or what comes after."""
    lines, shape = [], episode_shape(settings)
    if settings.skip_unreadable and (files := report.get("unreadable")):
        lines.append(f"files that can't be read, and are left out: {len(files):,}")
    if files := report.get("passed_over"):
        lines.append(f"files beside the class folders, passed over: {len(files):,}")
    for kind, harm in _DUPLICATES.items():
        if sets := report.get("duplicates", {}).get(kind):
            lines.append(f"duplicates {kind.replace('_', ' ')}: {len(sets):,}; {harm}")
    if not source.is_regression:
        lines += _few_classes(source, shape)
    fate = "left out" if shape.skip_small_classes else "a learner may need as many in training"
    for split, small in report.get("small_classes", {}).items():
        if small:
            lines.append(
                f"classes of the {split} split with too few examples for {shape.num_shots} shots "
                f"and {shape.num_queries} queries: {len(small):,}; {fate}"
            )
    if problem := _problem(source, "test", shape):
        lines.append(f"`tfmeta evaluate` would refuse the test split: {problem}")
    return lines


def _few_classes(source, shape):
    classes, _ = source.limits("train", replace(shape, within_group=False))
    if not shape.num_ways <= classes < _LEAST_RATIO * shape.num_ways:
        return []
    return [
        f"the train split has {classes} classes for {shape.num_ways} ways; expected "
        f"{_LEAST_RATIO * shape.num_ways} or more, else episodes are much alike and what is "
        "learned is those classes. Add classes or lower --ways"
    ]
