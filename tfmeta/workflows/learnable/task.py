"""A task of classes that `tfmeta.learn` is to learn, and the heads that are tried on it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, listed
from tfmeta.evaluation.held_out import Head, HeldOut, best_head
from tfmeta.evaluation.unseen_labels import Comparable
from tfmeta.learners import find
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks.in_parts import Features
from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable.groups import check_classes, groups_of
from tfmeta.workflows.learnable.request import Request

# Every example is of the one task: no class is kept for validation or test.
ONE_TASK: dict[str, Any] = {"split_by": "class", "validation": 0, "test": 0}
# Of tables, in reports.
COLUMNS, LIKENESS = "the columns", "the columns and the likeness of rows"
CONVOLUTIONS, LIKENESS_OF_STEPS = "convolutions of windows", "the likeness of their steps"
READ, EMBEDDED = 0.05, 0.4  # shares of the time, for the bar


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Attributes:
        source: of the examples, of which every class is one of the task's.
        held_out: what the best head says of examples that were held out; None if none can be.
        support_x: `(examples, ...)`, as the learner takes them.
        make_learner: a head -> the learner that has it.
        network: name of the network that made the features; of a table, what a head takes of a row.
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


def as_columns(shape: tuple[int, ...]) -> str:
    """What becomes of examples of a shape that is no row's."""
    return f"each example, of shape {shape}, is taken as {math.prod(shape):,} columns"


def told_while_embedding(
    progress: Progress, in_words: Callable[[int, int], str]
) -> Callable[[int, int], None]:
    """A function of the number of examples embedded and of all, which tells the progress.

    Args:
        progress: is told.
        in_words: of the same two numbers.
    """

    def tell(done: int, total: int) -> None:
        progress.advance(READ + (EMBEDDED - READ) * done / total, in_words(done, total))

    return tell


def held_out_of(comparable: Comparable, source: ClassSource, request: Request) -> HeldOut | None:
    """What the best head says of features, as heads compare them, that were held out."""
    index = source.index
    if index.counts.max() == 1:
        return None
    request.progress.advance(EMBEDDED, "choosing a head")
    groups = groups_of(request, index.origins.names)
    return best_head(comparable, index.labels.astype(np.int32), groups)


def likeliest(tasks: Iterable[Task]) -> Task:
    """The task whose held-out answers are the likeliest; the first if none can be held out."""
    return min(tasks, key=lambda task: getattr(task.held_out, "loss", 0.0))


def first_unless_surely_worse(tasks: Iterable[Task], *, standard_errors: float = 1) -> Task:
    """The first of some tasks, unless the held-out answers of the second are surely likelier.

    Args:
        tasks: one or two.
        standard_errors: see `HeldOut.is_surely_better_than`.
    """
    first, *others = tasks
    for other in others:
        if first.held_out is None or other.held_out is None:
            return first
        if other.held_out.is_surely_better_than(first.held_out, standard_errors=standard_errors):
            return other
    return first


def learner_of(head: Head, network: keras.Model) -> MetaLearner:
    made = find(head.algorithm).load()
    learner: MetaLearner = made(network, remembers=head.remembers, **head.options)
    return learner


def checked_source(source: EpisodeSource, request: Request) -> ClassSource:
    """The source of what is to be learned.

    Raises:
        UserError: if there are not two classes, each with an example; or if examples of a group are
            to be held out together and none can be.
    """
    assert isinstance(source, ClassSource)
    names, counts = source.index.class_names, source.index.counts
    if empty := [name for name, count in zip(names, counts, strict=True) if not count]:
        raise UserError(
            f"the classes {listed(empty)} have no example that can be read; expected one or more "
            "of each class. Add examples, or remove the folders"
        )
    if len(names) < 2:
        raise UserError(f"received one class, {names[0]}; expected two or more")
    groups = groups_of(request, source.index.origins.names)
    check_classes(groups, source.index.labels, request.groups_called)
    return source
