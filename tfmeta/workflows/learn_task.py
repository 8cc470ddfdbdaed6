"""What `tfmeta.learn` is to learn: the classes of images, of texts, or of rows of features."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfmeta import pipelines
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, counted, listed
from tfmeta.evaluation.held_out import MOST_FOR_RIDGE, Head, HeldOut, best_head
from tfmeta.learners import find
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.network_registry import NETWORKS, suited_options
from tfmeta.networks.beside_one import beside_one
from tfmeta.networks.beside_pixels import BesidePixels, beside_pixels
from tfmeta.networks.feature_map import feature_map
from tfmeta.networks.mlp import mlp
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.images import to_unit
from tfmeta.reading.prepared_tokens import PreparedTokens
from tfmeta.reading.sound_files import SOUND_SUFFIXES
from tfmeta.training.network_choice import network_function
from tfmeta.training.progress import Progress
from tfmeta.training.trained_part import NONE, built_learner
from tfmeta.user_files import is_hidden
from tfmeta.workflows.learn_words import in_own_words, refuse

DEFAULT_NETWORK, DEFAULT_FOR_SOUNDS, TEXT_NETWORK = "efficientnet_lite0", "cepstra", "minilm"
# Every example is of the one task: no class is kept for validation or test.
_ONE_TASK = {"split_by": "class", "validation": 0, "test": 0}
_PIXELS = (0.0, 0.5, 1.0)  # weights that are tried
_BATCH = 256
# Tokens of a text, and different tokens of thousands of texts: there is a feature of each.
_MOST_LENGTH, _FEW_TOKENS = 2048, 4096
# The default network of texts without its map, which is drawn at random before training.
_TFIDF, _UNTRAINED = "TF-IDF", {"embedding_size": 0}
_READ, _EMBEDDED = 0.05, 0.4  # shares of the time, for the bar
Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Attributes:
        source: of the examples, of which every class is one of the task's.
        held_out: what the best head says of examples that were held out; None if none can be.
        support_x: `(examples, ...)`, as the learner takes them.
        make_learner: a head -> the learner that has it.
        network: name of the network that made the features, or a word for none.
        pixels: weight of the images' pixels beside the features.
    """

    source: ClassSource
    held_out: HeldOut | None
    support_x: Features
    make_learner: Callable[[Head], MetaLearner]
    network: str
    pixels: float = 0.0

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        return self.source.index.labels.astype(np.int32)


def task_of_images(place: Path, name: str, skip_unreadable: bool, progress: Progress) -> Task:
    source = pipelines.build(
        "image-folder",
        data_dir=place,
        options={**_ONE_TASK, **_options_of_images(name)},
        skip_unreadable=skip_unreadable,
    )
    return _embedded(source, name, progress)


def holds_sounds(place: Path) -> bool:
    """Whether most files in the folders of a folder are sounds, by their names."""
    files = [file for file in place.glob("*/*") if not is_hidden(file)]
    sounds = [file for file in files if file.suffix.lower() in SOUND_SUFFIXES]
    return 2 * len(sounds) > len(files)


def task_of_sounds(place: Path, name: str, skip_unreadable: bool, progress: Progress) -> Task:
    source = pipelines.build(
        "audio-folder", data_dir=place, options=_ONE_TASK, skip_unreadable=skip_unreadable
    )
    return _embedded(source, name, progress, weights=(0.0,))


def _options_of_images(network: str) -> dict[str, Any]:
    return {"channels": 3, "invert": False, **suited_options(network)}


def _embedded(
    read: EpisodeSource, name: str, progress: Progress, *, weights: Sequence[float] = _PIXELS
) -> Task:
    """The task of images or sounds, whose features the network of that name makes.

    Args:
        read: the source.
        name: of the network.
        progress: is told how the work gets on.
        weights: of an image's pixels beside the features, which are tried.
    """
    source = _check(read)
    make = network_function(name, source)
    network = make(input_shape=source.input_shape, num_outputs=None)

    def embedded(done: int, total: int) -> None:
        share = _READ + (_EMBEDDED - _READ) * done / total
        progress.advance(share, f"{done} of {total:,} {source.input_format.noun} embedded")

    made = cached_features(network, source.index.examples, on_progress=embedded)
    tried = {weight: _beside(weight, made, source) for weight in weights}
    held_out = {
        weight: _held_out(feature_map(each.shape[1:], trained=False)(each).numpy(), source)
        for weight, each in tried.items()
    }
    weight = min(weights, key=lambda each: getattr(held_out[each], "loss", 0.0))

    def make_learner(head: Head) -> MetaLearner:
        make = partial(_learner_of, head)
        whole = beside_pixels(network, weight)
        return built_learner(make, whole, train=NONE, num_outputs=None)

    return Task(source, held_out[weight], tried[weight], make_learner, name, weight)


def _beside(weight: float, made: Features, source: ClassSource) -> Features:
    """The features, with pixels of that weight."""
    if not weight:
        return made
    layer, images = BesidePixels(weight), source.index.examples
    starts = range(0, len(made), _BATCH)
    parts = [(made[s : s + _BATCH], to_unit(tf.constant(images[s : s + _BATCH]))) for s in starts]
    return np.concatenate([layer(list(part)).numpy() for part in parts])


def _held_out(comparable: Features, source: ClassSource) -> HeldOut | None:
    """What the best head says of features, as heads compare them, that were held out."""
    index = source.index
    if index.counts.max() == 1:
        return None
    return best_head(comparable, index.labels.astype(np.int32))


def task_of_table(
    place: Path, columns: dict[str, Any], network: str | None, progress: Progress
) -> Task:
    """The task of rows of features, or of images in an array."""
    options = {**_ONE_TASK, **columns}
    try:
        read = pipelines.build("arrays", data_dir=place, options=options)
        if isinstance(read.input_format, ImageFormat):
            name = network or DEFAULT_NETWORK
            options |= _options_of_images(name)
            read = pipelines.build("arrays", data_dir=place, options=options)
            return _embedded(read, name, progress)
    except UserError as error:
        raise in_own_words(error) from error
    refuse("network", network, "a table", "images")
    source = _check(read)

    def scaled() -> keras.Model:
        columns = mlp(source.input_shape, None, units=(), **source.network_options)
        return beside_one(columns)

    x = source.index.examples
    held_out = _held_out(scaled()(x).numpy(), source)
    return Task(source, held_out, x, lambda head: _learner_of(head, scaled()), "none")


def task_of_texts(
    place: Path, columns: dict[str, Any], network: str | None, progress: Progress
) -> Task:
    """The task of a file of texts, of whose tokens a network makes features.

    If no network is named, it is TF-IDF or the pretrained one, where that is installed: whichever
    makes the answers that were held out likelier. The pretrained one knows English alone.
    """
    names = [network] if network else [_TFIDF]
    if not network and NETWORKS[TEXT_NETWORK].is_installed:
        names.append(TEXT_NETWORK)
    try:
        tasks = [_texts_embedded(place, columns, name, progress) for name in names]
    except UserError as error:
        raise in_own_words(error) from error
    return min(tasks, key=lambda task: getattr(task.held_out, "loss", 0.0))


def _texts_embedded(place: Path, columns: dict[str, Any], name: str, progress: Progress) -> Task:
    """The task of texts, whose features the network of that name makes."""
    options = {**_ONE_TASK, **columns, **suited_options(name)}
    source = _check(pipelines.build("text", data_dir=place, options=options))
    if name == _TFIDF:
        options |= _size_of_texts(source)
        source = _check(pipelines.build("text", data_dir=place, options=options))
    network = _network_of_texts(name, source)
    x, parts = source.index.examples, []
    for start in range(0, len(x), _BATCH):
        parts.append(network(x[start : start + _BATCH], training=False).numpy())
        share = _READ + (_EMBEDDED - _READ) * start / len(x)
        progress.advance(share, f"{start:,} of {counted(len(x), 'text')} embedded by {name}")
    held_out = _held_out(np.concatenate(parts), source)
    return Task(source, held_out, x, lambda head: _learner_of(head, network), name)


def _size_of_texts(source: ClassSource) -> dict[str, int]:
    """Options by which all of most texts counts, and the features of many texts fit in memory."""
    tokens = cast(PreparedTokens, source.prepared).facts()["tokens"]
    is_large = len(source.index.labels) > MOST_FOR_RIDGE
    length = min(max(tokens["most"], tokens["length"]), _MOST_LENGTH)
    return {"length": length, **({"vocabulary": _FEW_TOKENS} if is_large else {})}


def _network_of_texts(name: str, source: ClassSource) -> keras.Model:
    make = network_function("auto" if name == _TFIDF else name, source)
    taken = inspect.signature(make).parameters
    given = {key: value for key, value in source.network_options.items() if key in taken}
    if name == _TFIDF:
        given |= _UNTRAINED
    network: keras.Model = make(input_shape=source.input_shape, num_outputs=None, **given)
    return network


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
