"""Folders of sounds, one folder per class."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import keras

from tfmeta import pipelines
from tfmeta.episodes.class_source import ClassSource
from tfmeta.evaluation.held_out import Head
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.on_features import OnFeatures, told_apart
from tfmeta.network_registry import NETWORKS
from tfmeta.networks.in_parts import Features, FittedFeatures, computed
from tfmeta.networks.sound_features import (
    heard_features,
    speech_and_statistics,
    statistics_telling_apart,
)
from tfmeta.reading.found_classes import hold_mostly
from tfmeta.reading.sound_files import SOUND_SUFFIXES
from tfmeta.training.opening import suited_to_network
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.embedded import embedded_task
from tfmeta.workflows.learnable.image_folders import OF_TABLES
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import Request
from tfmeta.workflows.learnable.task import (
    ONE_TASK,
    Task,
    checked_source,
    first_unless_surely_worse,
    held_out_of,
    learner_of,
    told_while_embedding,
)
from tfmeta.workflows.learned import Learned

SPEECH = "speech_embedding"


class Sounds(Learnable):
    """A folder with a folder of sounds per class."""

    what = "a folder"
    not_for: ClassVar = OF_TABLES

    def takes(self, request: Request) -> bool:
        return request.place.is_dir() and holds_sounds(request.place)

    def learn(self, request: Request) -> Learned:
        return learned(task_of_sounds(request), request)


def task_of_sounds(request: Request) -> Task:
    """The task of a folder of sounds.

    If no network is named, sounds are compared by their statistics; or by the pretrained embedding
    of speech beside these, where that is installed and the sounds have its frequencies, unless the
    answers that were held out are surely likelier without it.
    """
    name = request.network
    bands = suited_to_network(name or SPEECH, "audio-folder")
    source = pipelines.build(
        "audio-folder",
        data_dir=request.place,
        options={**ONE_TASK, **bands},
        skip_unreadable=request.skips_unreadable,
    )
    if name:
        return embedded_task(source, name, request, weights=(0.0,))
    return _embedded(checked_source(source, request), request)


def _embedded(source: ClassSource, request: Request) -> Task:
    """By the speech embedding above all, or by statistics alone if these are surely better.

    The voice of a single speaker is known by statistics, so that held-out words of theirs are too.
    """
    speech = NETWORKS[SPEECH]
    has_speech = speech.is_installed and source.input_shape[1] >= speech.input_shape[1]
    network, number = heard_features(source.input_shape, has_speech=has_speech)
    embedded = told_while_embedding(
        request.progress, lambda done, total: f"{done} of {total:,} sounds embedded"
    )
    made = cached_features(network, source.index.examples, on_progress=embedded)
    tasks = [_by_statistics(source, made[:, :number], request)]
    if has_speech:
        tasks.insert(0, _by_speech(source, network, made, number, request))
    return first_unless_surely_worse(tasks, standard_errors=2)


def _by_speech(
    source: ClassSource, network: keras.Model, made: Features, number: int, request: Request
) -> Task:
    compared = speech_and_statistics(made, number)
    held_out = held_out_of(computed(compared, made), source, request)
    on, make = f"{SPEECH} and statistics", partial(_learner, network, compared)
    return Task(source, held_out, told_apart(network, made), make, on)


def _by_statistics(source: ClassSource, statistics: Features, request: Request) -> Task:
    network, _ = heard_features(source.input_shape, has_speech=False)
    make_network = partial(statistics_telling_apart, statistics, source.index.labels)
    fitted = FittedFeatures(make_network, statistics)
    held_out = held_out_of(fitted, source, request)
    make = partial(_learner, network, fitted.network())
    return Task(source, held_out, told_apart(network, statistics), make, "statistics")


def _learner(network: keras.Model, compared: keras.Model, head: Head) -> OnFeatures:
    """The head on what is compared of the features of sounds."""
    return OnFeatures(network, learner_of(head, compared))


def holds_sounds(place: Path) -> bool:
    """Whether most files in the folders of a folder are sounds, by their names."""
    return hold_mostly(place, SOUND_SUFFIXES)
