"""The base class of every pipeline's source of episodes."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from tfmeta.environments.policies import Policies
from tfmeta.environments.task_drawing import TaskDrawing
from tfmeta.episodes.episode import PaddedEpisode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.prepared import Prepared
from tfmeta.reading.row_format import PLAIN


def even_batch(num_tasks: int, most: int) -> int:
    """The largest divisor of `num_tasks` that is not above `most`."""
    return max(number for number in range(1, most + 1) if num_tasks % number == 0)


# Batches that wait for the training step, beside the two that are drawn at once. A few hide that
# some take longer to draw; of large ones none need to, so that memory hardly grows with them.
_MOST_AHEAD, _BYTES_AHEAD = 4, 4 * 2**20


class EpisodeSource(ABC):
    """A labelled source, split, from which any episode can be drawn by its number.

    Attributes:
        name: what the command line calls it.
        input_shape: of one example.
        input_format: what its examples are, and how encoded ones are prepared.
        target_size: the number of values per answer in regression; None for classification.
        target_kind_name: of the kind of targets, if it does not follow from `target_size`.
        network: the function of `tfmeta.networks` that suits it; None: by the shape of an example.
        network_options: defaults for the arguments of that function.
        learning: flat settings for who chooses none of them, as a `Pipeline` has for all its data;
            options of the pipeline among them open the source again.
        learner_options: defaults for every learner, such as the scale of its targets.
        pinned_options: options that the data decided, which a run records for its later data.
        rows_per_example: in an episode; a trajectory counts as one example.
        num_tasks: how many episodes there are; None for any number.
        num_examples: of each split, `{split: number}`; None for an endless family.
        prepared: its examples as the network sees them; None for an endless family.
    """

    name: str
    input_shape: tuple[int, ...]
    input_format: InputFormat = PLAIN
    target_size: int | None = None
    target_kind_name: str | None = None
    network: str | None = None
    network_options: Mapping[str, Any] = MappingProxyType({})
    learning: Mapping[str, Any] = MappingProxyType({})
    learner_options: Mapping[str, Any] = MappingProxyType({})
    pinned_options: Mapping[str, Any] = MappingProxyType({})
    rows_per_example: int = 1
    num_tasks: int | None = None
    num_examples: Mapping[str, int] | None = None
    prepared: Prepared | None = None

    @property
    def target_kind(self) -> TargetKind:
        """The kind of the targets."""
        return TargetKind.of_size(self.target_size, self.target_kind_name)

    @property
    def is_regression(self) -> bool:
        """Whether the targets are values."""
        return self.target_kind.are_values

    @property
    def facts(self) -> SourceFacts:
        names = (each.name for each in fields(SourceFacts))
        return SourceFacts(**{name: getattr(self, name) for name in names})

    @abstractmethod
    def check(self, split: str, shape: EpisodeShape) -> None:
        """Raises UserError if there can be no such episodes, with the numbers that don't fit."""

    def for_baselines(self, split: str) -> "EpisodeSource":
        """A source of the same episodes of a split, with the examples as baselines compare them."""
        del split
        return self

    def check_embeddable(self) -> None:
        """Raises UserError if there are no examples whose features could be computed once."""
        raise UserError(
            f"{self.name} has no examples whose features are computed once, as a network that is "
            "partly frozen needs them; expected --train all (--set train=all)"
        )

    def acted_in_by(self, policies: Policies) -> "EpisodeSource":
        """The source for a learner that acts in the tasks; the source itself if nobody acts."""
        del policies
        return self

    @property
    def is_acted_in(self) -> bool:
        """Whether an episode depends on what a learner does, and not on its number alone."""
        return False

    def check_fixed(self, what: str) -> None:
        """Raises UserError if an episode depends on what a learner does; `what` needs the same."""
        if self.is_acted_in:
            raise UserError(
                f"{what} needs episodes that are the same for every learner, and those of "
                f"{self.name} are what each one does in it; expected a pipeline with examples"
            )

    @property
    def loss(self) -> Any:
        """The loss of its targets, if it is not that of their kind alone; None if it is."""
        return None

    def check_method(self, learner_class: type[Any]) -> None:
        """Raises UserError if a learner of this class can't learn the episodes; by default it can.

        Args:
            learner_class: a MetaLearner's.
        """
        del learner_class

    def check_learner(self, learner: Any) -> None:
        """Raises UserError if these episodes are not for such a learner; by default they are."""
        del learner

    def hopeless(self, split: str) -> str | None:
        """Why nothing can be learned from the examples of a split; None if something can."""
        del split
        return None

    def left_out(self, shapes: dict[str, EpisodeShape]) -> list[str]:
        """One line for each thing that the user allowed to be left out; by default there is none.

        Args:
            shapes: of each split's episodes.
        """
        del shapes
        return []

    def names_of_classes(
        self, split: str, shape: EpisodeShape, seed: int, count: int
    ) -> list[list[str]] | None:
        """The names of the classes in the first episodes, in the order of their labels.

        Args:
            split, shape, seed: see `draw`.
            count: number of episodes.

        Returns:
            One list for each episode; None if the source has no names for its classes.
        """
        del split, shape, seed, count
        return None

    def drawings(
        self, split: str, shape: EpisodeShape, *, seed: int
    ) -> Callable[[int], TaskDrawing] | None:
        """A function that draws the task of a number; None if nothing is drawn of the tasks.

        It is for tasks that can be looked at as a whole, beside their examples.

        Args:
            split, shape, seed: see `draw`.
        """
        del split, shape, seed
        return None

    def recorded_splits(self) -> dict[str, list[str]] | None:
        """The names of each split's classes, for the run's record; None for an endless family."""
        return None

    @abstractmethod
    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        """The most ways, and the most examples per class, that the split's episodes can have."""

    def num_classes(self, split: str, shape: EpisodeShape) -> int:
        """How many classes a split's episodes are drawn from.

        Raises:
            UserError: if that is not known, as for an endless family.
        """
        del split, shape
        raise UserError(
            f"{self.name} has no classes with a number of their own, so they can't be learned all "
            "at once; expected a learner that is trained by episodes alone, such as --algorithm "
            "prototypical"
        )

    def with_class_numbers(self) -> "EpisodeSource":
        """The same episodes, labelled in another way, for a learner of all classes at once.

        The label of an example is the number of its class among the `num_classes` of its split, not
        among the classes of its episode.

        Raises:
            UserError: as `num_classes`.
        """
        raise UserError(f"{self.name} has no classes with a number of their own")

    def numbered(self) -> "EpisodeSource | None":
        """The same episodes with the number of each example in its place, int32 `(1,)`.

        None if the source has no examples with numbers of their own, as an endless family.
        """
        return None

    @abstractmethod
    def draw(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Any]:
        """A function in the graph: `(first, count)` -> the Episodes from number `first` on.

        It returns PaddedEpisodes if the shape varies. Episode i is a pure function of (seed, split,
        i), for any count.
        """

    def episodes(
        self,
        split: str,
        shape: EpisodeShape,
        *,
        seed: int = 0,
        num_tasks: int = 32,
        first: int = 0,
        augmentation: Callable[..., Any] | None = None,
    ) -> tf.data.Dataset:
        """An endless dataset of Episode (PaddedEpisode) batches, each tensor `(num_tasks, ...)`.

        Args:
            split: "train", "validation", "test" or "all".
            shape: of each episode.
            seed: together with the split and its number it defines an episode completely.
            num_tasks: tasks per batch (the meta-batch).
            first: the number of the first episode; a batch takes the next `num_tasks` of them.
            augmentation: an Augmentation of the examples, for training; None for none.

        Raises:
            UserError: if the split has too few classes or examples for such episodes.
        """
        starts = tf.data.Dataset.counter(first, num_tasks)
        return self.episodes_at(
            starts, split, shape, seed=seed, num_tasks=num_tasks, augmentation=augmentation
        )

    def episodes_at(
        self,
        starts: tf.data.Dataset,
        split: str,
        shape: EpisodeShape,
        *,
        seed: int,
        num_tasks: int,
        augmentation: Callable[..., Any] | None = None,
    ) -> tf.data.Dataset:
        """Like `episodes`, with batches that begin where they are asked to.

        Args:
            starts: the number of the first episode of each batch.
            split, shape, seed, num_tasks, augmentation: see `episodes`.
        """
        self.check(split, shape)
        draw = self.draw(split, shape, seed)

        def batch(start: Any) -> Any:
            episodes = draw(start, num_tasks)
            if shape.varies and not isinstance(episodes, PaddedEpisode):
                raise UserError(f"the episodes of {self.name} are of one size; leave ranges out")
            return episodes if augmentation is None else augmentation(episodes, start)

        return self.batched(starts, batch, split=split, num_tasks=num_tasks)

    def batched(
        self, starts: tf.data.Dataset, batch: Callable[..., Any], *, split: str, num_tasks: int
    ) -> tf.data.Dataset:
        """The batches that a function makes of their starts; by default some are made ahead.

        Args:
            starts, split, num_tasks: see `episodes_at`.
            batch: a start -> the batch, in the graph.
        """
        del split, num_tasks
        made = starts.map(batch, num_parallel_calls=2, deterministic=True)
        ahead = _number_ahead(made.element_spec)
        return made.prefetch(ahead) if ahead else made


def _number_ahead(spec: Any) -> int:
    """How many batches of this specification wait. A size that varies counts as one."""
    sizes = (math.prod(size or 1 for size in t.shape) * t.dtype.size for t in tf.nest.flatten(spec))
    return min(_MOST_AHEAD, _BYTES_AHEAD // max(1, sum(sizes)))
