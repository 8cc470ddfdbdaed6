"""`tfmeta.learn`: a few labelled examples become a served model, with no training.

A pretrained network makes features of the examples, each once. A head in closed form is chosen by
leaving out each example in turn, its confidence is calibrated on the same answers, and two models
are exported and verified.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfmeta import pipelines
from tfmeta.confidence import Confidence
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, listed
from tfmeta.evaluation.leave_one_out import Head, HeldOut, best_head
from tfmeta.exporting.verifying.verification import refuse_failed, verify_export
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.inspection.identity import alike, given_digests
from tfmeta.learners import find
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.network_registry import NETWORKS, size_option
from tfmeta.networks.feature_map import feature_map
from tfmeta.networks.mlp import mlp
from tfmeta.training.network_choice import network_function
from tfmeta.training.progress import Progress
from tfmeta.training.trained_part import NONE, built_learner
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, check_names, path, progress_or_log
from tfmeta.workflows.learned import HeldOutShare, Learned, confusions_of, in_words, suspects_of

DEFAULT_NETWORK = "efficientnet_lite0"
_WITHOUT_HELD_OUT = Head("ridge", {"regularisation": 0.5})
# Every example is of the one task: no class is kept for validation or test.
_ONE_TASK = {"split_by": "class", "validation": 0, "test": 0}
_ARGUMENTS = {
    *("network", "output", "trust", "progress"),
    *("label", "features", "skip_unreadable"),
}
# Shares of the time, for the bar.
_READ, _EMBEDDED, _CHOSEN, _EXPORTED = 0.05, 0.4, 0.45, 0.8


def learn(
    data: AnyPath,
    *,
    network: str | None = None,
    output: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **reading: Any,
) -> Learned:
    """Learns the classes of a folder or table and exports models that know them.

    Args:
        data: a folder with a folder of images per class, one image or more in each; or an NPZ, CSV
            or Parquet file of features.
        network: that makes features of images, one of `tfmeta networks`; None for
            efficientnet_lite0. A table takes none.
        output: the folder of the model that knows the classes, `exported/NAME`; `-learner` is
            appended for the model that takes support sets. Named like the data for None.
        trust: run code that `network` names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        **reading: of a table `label`, the column of the classes ("label"), and `features`, a list
            of the columns of features (all others); of a folder `skip_unreadable`, to leave out
            files that can't be read instead of refusing the data.

    Returns:
        Where the models are, and what was found out.

    Raises:
        UserError: if the data can't be read or has fewer than two classes, the network's weights
            are not there, or a model can't be written or fails a check.
    """
    started = time.monotonic()
    check_names("learn", reading, _ARGUMENTS)
    label, features = reading.get("label"), reading.get("features")
    skips = reading.get("skip_unreadable", False)
    check_flags(trust=trust, skip_unreadable=skips)
    place, progress = path("data", data), progress_or_log(progress, "learn")
    folder = Path("exported") / place.resolve().stem if output is None else path("output", output)
    _check_there(place)
    with trusting(trust):
        progress.advance(0.0, "reading")
        if place.is_dir():
            _refuse("label", label, "a folder", "a table")
            _refuse("features", features, "a folder", "a table")
            task = _images(place, network or DEFAULT_NETWORK, skips, progress)
        else:
            _refuse("network", network, "a table", "a folder of images")
            _refuse("skip_unreadable", skips, "a table", "a folder of images")
            task = _table(place, label or "label", features)
        return _learned(task, folder, started, progress)


def _check_there(place: Path) -> None:
    if not place.exists():
        raise UserError(
            f"there is no {place}; expected a folder with a folder of images per class, or a file "
            "of features: NPZ, CSV or Parquet"
        )


def _refuse(name: str, value: object, received: str, expected: str) -> None:
    if value:
        raise UserError(
            f"received {name}={value!r} and {received}; it is for {expected}, so leave it out"
        )


@dataclass(frozen=True)
class _Task:
    """What is to be learned.

    Attributes:
        source: of the examples, of which every class is one of the task's.
        features: `(examples, units)`, as the heads compare them.
        support_x: `(examples, ...)`, as the learner takes them.
        make_learner: a head -> the learner that has it.
        network: name of the network that made the features, or a word for none.
    """

    source: ClassSource
    features: npt.NDArray[np.float32]
    support_x: npt.NDArray[np.float32]
    make_learner: Callable[[Head], MetaLearner]
    network: str

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        return self.source.index.labels.astype(np.int32)


def _images(place: Path, name: str, skip_unreadable: bool, progress: Progress) -> _Task:
    source = pipelines.build(
        "image-folder",
        data_dir=place,
        options={**_ONE_TASK, "channels": 3, "invert": False, **size_option(name)},
        skip_unreadable=skip_unreadable,
    )
    _check(source)
    make = network_function(name, source)
    network = make(input_shape=source.input_shape, num_outputs=None)

    def embedded(done: int, total: int) -> None:
        share = _READ + (_EMBEDDED - _READ) * done / total
        progress.advance(share, f"{done} of {total} images embedded")

    made = cached_features(network, source.index.examples, on_progress=embedded)

    def make_learner(head: Head) -> MetaLearner:
        make = partial(_learner_of, head)
        return built_learner(make, network, train=NONE, num_outputs=None)

    comparable = feature_map(made.shape[1:], trained=False)(made).numpy()
    return _Task(source, comparable, made, make_learner, name)


def _table(place: Path, label: str, features: Any) -> _Task:
    options = {**_ONE_TASK, "label": label, "features": features}
    try:
        source = pipelines.build("arrays", data_dir=place, options=options)
    except UserError as error:  # in the words of this command's options
        raise UserError(re.sub(r"--set pipeline\.(\w+)=", r"--\1 ", str(error))) from error
    _check(source)
    if source.image_format is not None:
        raise UserError(
            f"{place} holds images in an array; expected features, or a folder with a folder of "
            "image files per class"
        )
    scaled = partial(mlp, source.input_shape, None, units=(), **source.network_options)
    x = source.index.examples
    return _Task(source, scaled()(x).numpy(), x, lambda head: _learner_of(head, scaled()), "none")


def _learner_of(head: Head, network: keras.Model) -> MetaLearner:
    learner: MetaLearner = find(head.algorithm).load()(network, **head.options)
    return learner


def _check(source: EpisodeSource) -> None:
    """Raises UserError if there are not two classes, each with an example."""
    assert isinstance(source, ClassSource)
    names, counts = source.index.class_names, source.index.counts
    if empty := [name for name, count in zip(names, counts, strict=True) if not count]:
        raise UserError(
            f"the classes {listed(empty)} have no example that can be read; expected one or more "
            "of each class. Add examples, or remove the folders"
        )
    if len(names) < 2:
        raise UserError(f"received one class, {names[0]}; expected two or more")


def _learned(task: _Task, folder: Path, started: float, progress: Progress) -> Learned:
    index, names = task.source.index, task.source.index.class_names
    found = best_head(task.features, task.labels) if index.counts.max() > 1 else None
    head = _WITHOUT_HELD_OUT if found is None else found.head
    progress.advance(_CHOSEN, f"{head} chosen")
    words = in_words(found)
    confidence = Confidence() if found is None else found.confidence
    confidence = replace(confidence, report={"in_words": words[0].upper() + words[1:] + "."})
    adapted, learner = _exported(task, head, folder, confidence, progress)
    return Learned(
        adapted=adapted,
        learner=learner,
        network=task.network,
        head=str(head),
        class_names=names,
        num_examples=len(index.labels),
        held_out=HeldOutShare.of(found) if found else None,
        confusions=confusions_of(found, names) if found else (),
        suspects=suspects_of(found, names, index.origins) if found else (),
        temperature=confidence.temperature,
        rests_on=words,
        warnings=(*_untested(task, found), *_warnings(task.source)),
        seconds=time.monotonic() - started,
    )


def _exported(
    task: _Task, head: Head, folder: Path, confidence: Confidence, progress: Progress
) -> tuple[Path, Path]:
    """The two versions, verified."""
    source, learner = task.source, task.make_learner(head)
    shared = {
        "image_format": source.image_format,
        "row_format": source.row_format,
        "confidence": lambda: confidence,
    }
    names = list(source.index.class_names)
    baked_in = {"support": (task.support_x, task.labels), "class_names": names}
    plans: tuple[tuple[Path, str, dict[str, Any]], ...]
    plans = ((folder, "adapted", baked_in), (Path(f"{folder}-learner"), "learner", {}))
    versions, verified = [], []
    with ThreadPoolExecutor() as pool:  # each is verified in a process of its own, meanwhile
        for number, (output, kind, options) in enumerate(plans):
            step = (_EXPORTED - _CHOSEN) * number / len(plans)
            progress.advance(_CHOSEN + step, f"exporting {output}")
            versions.append(export_model(learner, output, kind, **shared, **options))
            verified.append(pool.submit(verify_export, versions[-1]))
        progress.advance(_EXPORTED, "verifying both")
        reports = [each.result() for each in verified]
    for version, report in zip(versions, reports, strict=True):
        refuse_failed(report, f"the export {version} fails")
    progress.advance(1.0, "done")
    return versions[0], versions[1]


def _untested(task: _Task, found: HeldOut | None) -> Iterator[str]:
    """What the measured accuracy does not say."""
    known = NETWORKS.get(task.network)
    if known and not known.pretrained:
        yield f"{task.network} is drawn at random; a pretrained network makes better features"
    names, counts = task.source.index.class_names, task.source.index.counts
    alone = [name for name, count in zip(names, counts, strict=True) if count == 1]
    if found and alone:
        yield (
            f"{listed(alone)}: one example each, which can't be held out, so that nothing is known "
            "of how well these classes are recognised"
        )


def _warnings(source: ClassSource) -> Iterator[str]:
    index = source.index
    yield from source.left_out({})
    found = alike(index, given_digests(index))
    for kind, harm in (
        ("across_classes", "their labels contradict each other"),
        ("within_class", "the measured accuracy is too good"),
    ):
        if sets := found[kind]:
            names = index.origins.names
            shown = [names[sets[0][0]], names[sets[0][1]]] if names else [f"row {sets[0][0] + 1}"]
            where = kind.replace("_", " ")
            yield f"{len(sets)} sets of equal examples {where}, such as {listed(shown)}; {harm}"
