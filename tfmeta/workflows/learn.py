"""`tfmeta.learn`: a few labelled examples become a served model, with no training.

A pretrained network makes features of the examples, each once. A head in closed form is chosen by
holding out each example once, its confidence is calibrated on the same answers, and two models
are exported and verified.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import UserError, counted, listed
from tfmeta.evaluation.held_out import Head, HeldOut
from tfmeta.inspection.identity import alike, given_digests
from tfmeta.named_code import trusting
from tfmeta.network_registry import NETWORKS
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.reading.table_options import TableOptions
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, check_names, path, progress_or_log
from tfmeta.workflows.learn_exports import CHOSEN, export_both
from tfmeta.workflows.learn_label import label_column
from tfmeta.workflows.learn_task import (
    DEFAULT_FOR_SOUNDS,
    DEFAULT_NETWORK,
    Task,
    holds_sounds,
    task_of_images,
    task_of_sounds,
    task_of_table,
    task_of_texts,
)
from tfmeta.workflows.learn_texts import text_column
from tfmeta.workflows.learn_values import learn_values, value_column
from tfmeta.workflows.learn_words import as_option, is_number, refuse
from tfmeta.workflows.learned import HeldOutShare, Learned, confusions_of, in_words, suspects_of
from tfmeta.workflows.learned_values import LearnedValues

_WITHOUT_HELD_OUT = Head("ridge", {"regularisation": 0.5})
_GAPS = ("missing", "categories")  # options for gaps and texts among the features
_ARGUMENTS = {
    *("network", "output", "trust", "progress"),
    *("label", "target", "features", "text", *_GAPS, "skip_unreadable"),
}


def learn(
    data: AnyPath,
    *,
    network: str | None = None,
    output: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **reading: Any,
) -> Learned | LearnedValues:
    """Learns the classes of a folder or table, or the values in a table, and exports models of it.

    Args:
        data: a folder with a folder of images or sounds per class, one or more in each; a CSV or
            JSONL file of texts; an NPZ, CSV or Parquet file of features; or an NPZ file of images.
        network: that makes features of examples, one of `tfmeta networks`; None for
            efficientnet_lite0, or what suits texts and sounds untrained. Features take none.
        output: the folder of the model that knows the classes, `exported/NAME`; `-learner` is
            appended for the model that takes support sets. Named like the data for None.
        trust: run code that `network` names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        **reading: of a table `label`, the column of the classes ("label"), or `target`, a column of
            values, and `features`, a list of columns (all others); numbers with fractions in
            `label` are values; `missing` and `categories`, see `TableOptions`; `text`, the column
            of the texts. Of a folder `skip_unreadable`, to leave out unreadable files.

    Returns:
        Where the models are, and what was found out: a `Learned`, or of values a `LearnedValues`.

    Raises:
        UserError: if the data can't be read or has fewer than two classes, the network's weights
            are not there, or a model can't be written or fails a check.
    """
    started = time.monotonic()
    check_names("learn", reading, _ARGUMENTS)
    check_flags(trust=trust, skip_unreadable=reading.get("skip_unreadable", False))
    place, progress = path("data", data), progress_or_log(progress, "learn")
    folder = path("output", output or Path("exported") / place.resolve().stem)
    _check_there(place)
    with trusting(trust):
        notes = _with_label(place, reading, progress)
        if place.is_dir():
            task = _of_folder(place, network, reading, progress)
        elif column := text_column(place, reading):
            task = _of_texts(place, column, network, reading, progress)
        elif column := _value_column(place, network, reading):
            options = reading.get("features"), _table_options(reading)
            return learn_values(place, column, *options, folder=folder, progress=progress)
        else:
            task = task_of_table(place, _columns(reading, "features", *_GAPS), network, progress)
        return replace(_learned(task, folder, progress, started), notes=notes)


def _with_label(place: Path, reading: dict[str, Any], progress: Progress) -> tuple[str, ...]:
    """Completes the options of a file by the column of the classes; what was decided, in words."""
    progress.advance(0.0, "reading")
    if place.is_dir():
        return ()
    found, why = label_column(place, reading)
    if not reading.get("target"):
        reading["label"] = reading.get("label") or found
    return (why,) if why else ()


def _of_folder(
    place: Path, network: str | None, reading: dict[str, Any], progress: Progress
) -> Task:
    for option in ("label", "target", "features", "text", *_GAPS):
        refuse(option, reading.get(option), "a folder", "a table")
    skips = reading.get("skip_unreadable", False)
    if holds_sounds(place):
        return task_of_sounds(place, network or DEFAULT_FOR_SOUNDS, skips, progress)
    return task_of_images(place, network or DEFAULT_NETWORK, skips, progress)


def _value_column(place: Path, network: str | None, reading: dict[str, Any]) -> str | None:
    """The column of values that is to be learned; None if the table has classes."""
    refuse("skip_unreadable", reading.get("skip_unreadable"), "a table", "a folder")
    column = value_column(place, reading.get("label"), reading.get("target"))
    if column:
        refuse("network", network, "a table", "images")
    return column


def _of_texts(
    place: Path, column: str, network: str | None, reading: dict[str, Any], progress: Progress
) -> Task:
    refuse("skip_unreadable", reading.get("skip_unreadable"), "texts", "a folder")
    for option in ("target", "features", *_GAPS):
        refuse(option, reading.get(option), "texts", "a table of features")
    columns = {**_columns(reading), "text": column}
    return task_of_texts(place, columns, network, progress)


def _columns(reading: dict[str, Any], *others: str) -> dict[str, Any]:
    """The columns that a pipeline reads: those of the classes, and others that the user named."""
    return {
        "label": reading.get("label") or "label",
        **{name: as_option(reading.get(name)) for name in others},
    }


def _table_options(reading: dict[str, Any]) -> TableOptions:
    return TableOptions(**{name: as_option(reading.get(name)) for name in _GAPS})


def _check_there(place: Path) -> None:
    if not place.exists():
        raise UserError(
            f"there is no {place}; expected a folder with a folder of images or sounds per class, "
            "a file of texts (CSV or JSONL), or one of features (NPZ, CSV or Parquet)"
        )


def _learned(task: Task, folder: Path, progress: Progress, started: float) -> Learned:
    index, names = task.source.index, task.source.index.class_names
    found = task.held_out
    head = _WITHOUT_HELD_OUT if found is None else found.head
    progress.advance(CHOSEN, f"{head} chosen")
    words = in_words(found)
    confidence = Confidence() if found is None else found.confidence
    confidence = replace(confidence, report={"in_words": words})
    source = task.source
    baked_in = {"support": (task.support_x, task.labels), "class_names": list(names)}
    shared: dict[str, Any] = {"confidence": lambda: confidence}
    shared["input_format"] = source.input_format
    adapted, learner = export_both(
        task.make_learner(head), folder, shared=shared, baked_in=baked_in, progress=progress
    )
    return Learned(
        adapted=adapted,
        learner=learner,
        network=f"{task.network}, beside pixels" if task.pixels else task.network,
        head=str(head),
        class_names=names,
        num_examples=len(index.labels),
        held_out=HeldOutShare.of(found) if found else None,
        confusions=confusions_of(found, names) if found else (),
        suspects=suspects_of(found, names, index.origins) if found else (),
        temperature=confidence.temperature,
        rests_on=words,
        notes=(),
        warnings=(*_untested(task, found), *_warnings(task.source)),
        seconds=time.monotonic() - started,
    )


def _untested(task: Task, found: HeldOut | None) -> Iterator[str]:
    """What the measured accuracy does not say."""
    known = NETWORKS.get(task.network)
    if known and known.num_parameters and not known.pretrained:
        yield f"{task.network} is drawn at random; a pretrained network makes better features"
    names, counts = task.source.index.class_names, task.source.index.counts
    alone = [name for name, count in zip(names, counts, strict=True) if count == 1]
    if len(alone) > len(names) / 2 and all(is_number(name) for name in names):
        yield "most classes are numbers with one example each; --target COLUMN learns values"
    if found and alone:
        yield (
            f"{listed(alone)}: one example each, which can't be held out, so that nothing is known "
            "of how well these classes are recognised"
        )


def _blank(source: ClassSource) -> Iterator[str]:
    """Examples without content, such as silent sounds, which teach their class nothing."""
    prepared, names = source.prepared, source.index.origins.names
    if prepared is None:
        return
    flags = np.concatenate([np.zeros(0, bool), *map(prepared.is_blank, prepared.chunks())])
    if blank := np.flatnonzero(flags).tolist():
        shown = listed([names[n] for n in blank])
        yield f"{prepared.noun} that {prepared.blank_words}: {shown}; leave them out"


def _warnings(source: ClassSource) -> Iterator[str]:
    index, prepared = source.index, source.prepared
    yield from source.left_out({})
    if isinstance(prepared, PreparedColumns):
        yield from prepared.warnings(prepared.facts())
    yield from _blank(source)
    found = alike(index, given_digests(index))
    for kind, harm in (
        ("across_classes", "their labels contradict each other"),
        ("within_class", "the measured accuracy is too good"),
    ):
        if sets := found[kind]:
            names = index.origins.names
            shown = [names[sets[0][0]], names[sets[0][1]]]
            where = kind.replace("_", " ")
            found_sets = counted(len(sets), "set")
            yield f"{found_sets} of equal examples {where}, such as {listed(shown)}; {harm}"
