"""Tables of features with a column of classes, and vectors or windows in arrays."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar

import keras

from tfmeta import pipelines
from tfmeta.episodes.class_source import ClassSource
from tfmeta.evaluation.unseen_labels import Comparable
from tfmeta.networks.in_parts import FittedFeatures, computed
from tfmeta.networks.mlp import mlp
from tfmeta.networks.table_features import TableNetworks
from tfmeta.networks.window_features import features_of_windows, steps_of_windows
from tfmeta.reading.sensor_windows import SHORTEST, are_windows
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import CHOOSING, GAPS, Request
from tfmeta.workflows.learnable.task import (
    COLUMNS,
    CONVOLUTIONS,
    LIKENESS,
    LIKENESS_OF_STEPS,
    ONE_TASK,
    Task,
    as_columns,
    checked_source,
    first_unless_surely_worse,
    held_out_of,
    learner_of,
    likeliest,
)
from tfmeta.workflows.learnable.words import refuse
from tfmeta.workflows.learned import Learned

# What a head takes of a row, the network that makes it, and its features of all rows.
Tried = tuple[str, keras.Model, Comparable]
FIGURES = (0.5, 0.0, 1.0)  # weights of channels' figures beside convolutions, which are tried


class Rows(Learnable):
    """An NPZ, CSV or Parquet file of features, with their classes."""

    what = "a table"
    not_for: ClassVar = {"skip_unreadable": "a folder"}

    def takes(self, request: Request) -> bool:
        return True

    def learn(self, request: Request) -> Learned:
        task = task_of_table(request)
        notes = (*request.notes, *_how_taken(task.source.input_shape))
        return learned(task, replace(request, notes=notes))


def _how_taken(input_shape: tuple[int, ...]) -> Iterator[str]:
    """What becomes of examples that are neither rows nor windows."""
    if len(input_shape) > 1 and not are_windows(input_shape):
        yield (
            f"{as_columns(input_shape)}; windows of sensor data have the shape (time, channels), "
            f"from {SHORTEST} steps up"
        )


def task_of_table(request: Request) -> Task:
    """The task of rows of features."""
    options = {**ONE_TASK, **request.columns(*CHOOSING, *GAPS)}
    read = pipelines.build("arrays", data_dir=request.place, options=options)
    source, network = checked_source(read, request), request.network
    if are_windows(source.input_shape):
        refuse("network", network, "windows", "`tfmeta train arrays`, which trains it from scratch")
        return likeliest(_task(source, *each, request) for each in _of_windows(source))
    refuse("network", network, "a table", "images")
    return first_unless_surely_worse(_task(source, *each, request) for each in _of_rows(source))


def _of_rows(source: ClassSource) -> Iterator[Tried]:
    """The first is taken unless the other is surely better; it tells best what is of no class."""
    x, labels = source.index.examples, source.index.labels
    made = TableNetworks(mlp(x.shape[1:], None, units=(), **source.network_options), x)
    fitted = FittedFeatures(partial(made.telling_apart, labels), x)
    yield LIKENESS, fitted.network(), fitted
    plain = made.plain()
    yield COLUMNS, plain, computed(plain, x)


def _of_windows(source: ClassSource) -> Iterator[Tried]:
    """The same for `(time, channels)`. Where a certain step counts, likeness is better."""
    steps = steps_of_windows(source.input_shape, **source.network_options)
    windows = source.index.examples
    networks = features_of_windows(steps, windows, FIGURES)
    called = [f"{CONVOLUTIONS}, beside figures" if weight else CONVOLUTIONS for weight in FIGURES]
    alike = TableNetworks(steps, windows).alike()
    for on, network in [*zip(called, networks, strict=True), (LIKENESS_OF_STEPS, alike)]:
        yield on, network, computed(network, windows)


def _task(
    source: ClassSource, on: str, network: keras.Model, features: Comparable, request: Request
) -> Task:
    """The task, whose heads compare what a network makes of rows."""
    held_out = held_out_of(features, source, request)
    return Task(source, held_out, source.index.examples, lambda h: learner_of(h, network), on)
