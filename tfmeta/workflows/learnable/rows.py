"""Tables of features with a column of classes, and vectors or windows in arrays."""

from pathlib import Path
from typing import Any, ClassVar

import keras

from tfmeta import pipelines
from tfmeta.errors import UserError
from tfmeta.networks.beside_one import beside_one
from tfmeta.networks.mlp import mlp
from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.kind import GAPS, Learnable, Request
from tfmeta.workflows.learnable.task import (
    ONE_TASK,
    Task,
    checked_source,
    held_out_of,
    learner_of,
)
from tfmeta.workflows.learnable.words import in_own_words, refuse
from tfmeta.workflows.learned import Learned


class Rows(Learnable):
    """An NPZ, CSV or Parquet file of features, with their classes."""

    what = "a table"
    not_for: ClassVar = {"skip_unreadable": "a folder"}

    def takes(self, request: Request) -> bool:
        return True

    def learn(self, request: Request) -> Learned:
        columns = request.columns("features", *GAPS)
        task = task_of_table(request.place, columns, request.network, request.progress)
        return learned(task, request)


def task_of_table(
    place: Path, columns: dict[str, Any], network: str | None, progress: Progress
) -> Task:
    """The task of rows of features."""
    try:
        read = pipelines.build("arrays", data_dir=place, options={**ONE_TASK, **columns})
    except UserError as error:
        raise in_own_words(error) from error
    refuse("network", network, "a table", "images")
    source = checked_source(read)

    def scaled() -> keras.Model:
        columns = mlp(source.input_shape, None, units=(), **source.network_options)
        return beside_one(columns)

    x = source.index.examples
    held_out = held_out_of(scaled()(x).numpy(), source, progress)
    return Task(source, held_out, x, lambda head: learner_of(head, scaled()), "none")
