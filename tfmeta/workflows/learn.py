"""`tfmeta.learn`: a few labelled examples become a served model, with no training.

A pretrained network makes features of the examples, each once. A head in closed form is chosen by
leaving out each example in turn, its confidence is calibrated on the same answers, and two models
are exported and verified.
"""

import re
import time
from collections.abc import Callable, Iterator
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
from tfmeta.workflows.learn_exports import CHOSEN, export_both
from tfmeta.workflows.learn_values import learn_values, value_column
from tfmeta.workflows.learned import HeldOutShare, Learned, confusions_of, in_words, suspects_of
from tfmeta.workflows.learned_values import LearnedValues

DEFAULT_NETWORK = "efficientnet_lite0"
_WITHOUT_HELD_OUT = Head("ridge", {"regularisation": 0.5})
# Every example is of the one task: no class is kept for validation or test.
_ONE_TASK = {"split_by": "class", "validation": 0, "test": 0}
_ARGUMENTS = {
    *("network", "output", "trust", "progress"),
    *("label", "target", "features", "skip_unreadable"),
}
# Shares of the time, for the bar.
_READ, _EMBEDDED = 0.05, 0.4


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
        data: a folder with a folder of images per class, one image or more in each; an NPZ, CSV or
            Parquet file of features; or an NPZ file with images in its array x.
        network: that makes features of images, one of `tfmeta networks`; None for
            efficientnet_lite0. A table of features takes none.
        output: the folder of the model that knows the classes, `exported/NAME`; `-learner` is
            appended for the model that takes support sets. Named like the data for None.
        trust: run code that `network` names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        **reading: of a table `label`, the column of the classes ("label"), or `target`, a column of
            values, and `features`, a list of the columns of features (all others). A label column
            that holds numbers with fractions is one of values. Of a folder `skip_unreadable`, to
            leave out files that can't be read instead of refusing the data.

    Returns:
        Where the models are, and what was found out: a `Learned`, or of values a `LearnedValues`.

    Raises:
        UserError: if the data can't be read or has fewer than two classes, the network's weights
            are not there, or a model can't be written or fails a check.
    """
    started = time.monotonic()
    check_names("learn", reading, _ARGUMENTS)
    label, target = reading.get("label"), reading.get("target")
    features = reading.get("features")
    skips = reading.get("skip_unreadable", False)
    check_flags(trust=trust, skip_unreadable=skips)
    place, progress = path("data", data), progress_or_log(progress, "learn")
    folder = Path("exported") / place.resolve().stem if output is None else path("output", output)
    _check_there(place)
    with trusting(trust):
        progress.advance(0.0, "reading")
        if place.is_dir():
            _refuse("label", label, "a folder", "a table")
            _refuse("target", target, "a folder", "a table")
            _refuse("features", features, "a folder", "a table")
            task = _images(place, network or DEFAULT_NETWORK, skips, progress)
        else:
            _refuse("skip_unreadable", skips, "a table", "a folder of images")
            if column := value_column(place, label, target):
                _refuse("network", network, "a table", "images")
                return learn_values(place, column, features, folder=folder, progress=progress)
            columns = {"label": label or "label", "features": features}
            task = _table(place, columns, network, progress)
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
        options={**_ONE_TASK, **_options_of_images(name)},
        skip_unreadable=skip_unreadable,
    )
    return _embedded(source, name, progress)


def _options_of_images(network: str) -> dict[str, Any]:
    return {"channels": 3, "invert": False, **size_option(network)}


def _embedded(read: EpisodeSource, name: str, progress: Progress) -> _Task:
    """The task of images, whose features the network of that name makes."""
    source = _check(read)
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


def _table(place: Path, columns: dict[str, Any], network: str | None, progress: Progress) -> _Task:
    """The task of rows of features, or of images in an array."""
    options = {**_ONE_TASK, **columns}
    try:
        read = pipelines.build("arrays", data_dir=place, options=options)
        if read.image_format is not None:
            name = network or DEFAULT_NETWORK
            options |= _options_of_images(name)
            read = pipelines.build("arrays", data_dir=place, options=options)
            return _embedded(read, name, progress)
    except UserError as error:  # in the words of this command's options
        raise UserError(re.sub(r"--set pipeline\.(\w+)=", r"--\1 ", str(error))) from error
    _refuse("network", network, "a table", "images")
    source = _check(read)
    scaled = partial(mlp, source.input_shape, None, units=(), **source.network_options)
    x = source.index.examples
    return _Task(source, scaled()(x).numpy(), x, lambda head: _learner_of(head, scaled()), "none")


def _learner_of(head: Head, network: keras.Model) -> MetaLearner:
    learner: MetaLearner = find(head.algorithm).load()(network, **head.options)
    return learner


def _check(source: EpisodeSource) -> ClassSource:
    """The source; raises UserError if there are not two classes, each with an example."""
    assert isinstance(source, ClassSource)
    names, counts = source.index.class_names, source.index.counts
    if empty := [name for name, count in zip(names, counts, strict=True) if not count]:
        raise UserError(
            f"the classes {listed(empty)} have no example that can be read; expected one or more "
            "of each class. Add examples, or remove the folders"
        )
    if len(names) < 2:
        raise UserError(f"received one class, {names[0]}; expected two or more")
    return source


def _learned(task: _Task, folder: Path, started: float, progress: Progress) -> Learned:
    index, names = task.source.index, task.source.index.class_names
    found = best_head(task.features, task.labels) if index.counts.max() > 1 else None
    head = _WITHOUT_HELD_OUT if found is None else found.head
    progress.advance(CHOSEN, f"{head} chosen")
    words = in_words(found)
    confidence = Confidence() if found is None else found.confidence
    confidence = replace(confidence, report={"in_words": words[0].upper() + words[1:] + "."})
    source = task.source
    baked_in = {"support": (task.support_x, task.labels), "class_names": list(names)}
    shared: dict[str, Any] = {"confidence": lambda: confidence}
    shared |= {"image_format": source.image_format, "row_format": source.row_format}
    adapted, learner = export_both(
        task.make_learner(head), folder, shared=shared, baked_in=baked_in, progress=progress
    )
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
