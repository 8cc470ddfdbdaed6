"""What a pipeline is: a source of episodes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.images import ImageFormat


@dataclass(frozen=True)
class EpisodeShape:
    """How large an episode is, and how its classes are drawn.

    Args:
        num_ways: classes an episode; 1 for regression.
        num_shots: support examples a class.
        num_queries: query examples a class.
        within_group: draw an episode's classes from one group (an alphabet) only.

    Raises:
        UserError: if a number is not positive.
    """

    num_ways: int = 5
    num_shots: int = 1
    num_queries: int = 15
    within_group: bool = False

    def __post_init__(self):
        for name in ("ways", "shots", "queries"):
            if getattr(self, f"num_{name}") < 1:
                raise UserError(
                    f"received {name}={getattr(self, f'num_{name}')}; expected 1 or more"
                )


@dataclass(frozen=True)
class SourceFacts:
    """What a trained learner must know of its source when the data is not at hand.

    Attributes: as of `EpisodeSource`.
    """

    name: str
    input_shape: tuple[int, ...]
    image_format: ImageFormat | None
    target_size: int | None

    def to_dict(self) -> dict:
        return {**vars(self), "image_format": self.image_format and self.image_format.to_dict()}

    @classmethod
    def from_dict(cls, facts: dict) -> "SourceFacts":
        image = facts["image_format"]
        return cls(
            facts["name"],
            tuple(facts["input_shape"]),
            None if image is None else ImageFormat(**image),
            facts["target_size"],
        )


class EpisodeSource(ABC):
    """A labelled source, split, from which any episode can be drawn by its number.

    Attributes:
        name: what the command line calls it.
        input_shape: of one example.
        image_format: how encoded images become examples; None if the examples are no images.
        target_size: values of a regression target; None for classification.
    """

    name: str
    input_shape: tuple[int, ...]
    image_format: ImageFormat | None = None
    target_size: int | None = None

    @property
    def is_regression(self) -> bool:
        return self.target_size is not None

    @property
    def facts(self) -> SourceFacts:
        return SourceFacts(self.name, self.input_shape, self.image_format, self.target_size)

    @abstractmethod
    def check(self, split: str, shape: EpisodeShape) -> None:
        """Raises UserError, with the numbers that don't fit, if there can be no such episode."""

    def check_learner(self, learner) -> None:
        """Raises UserError if these episodes are not for such a learner; most are for every one."""
        del learner

    @abstractmethod
    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        """The most ways, and the most examples a class, that the split's episodes can have."""

    @abstractmethod
    def draw(self, split: str, shape: EpisodeShape, seed: int):
        """A function in the graph: `(first, count)` -> the Episodes from number `first` on.

        Episode i is a pure function of (seed, split, i), whatever the count it is drawn with.
        """

    def episodes(
        self, split: str, shape: EpisodeShape, *, seed: int = 0, num_tasks: int = 32, first: int = 0
    ) -> tf.data.Dataset:
        """An endless dataset of Episode batches, each tensor with a leading `num_tasks`.

        Args:
            split: "train", "validation", "test" or "all".
            shape: of each episode.
            seed: with the split and its number it defines an episode wholly.
            num_tasks: tasks a batch (the meta-batch).
            first: the number of the first episode; a batch takes the next `num_tasks` of them.

        Raises:
            UserError: if the split has too few classes or examples for such episodes.
        """
        self.check(split, shape)
        draw = self.draw(split, shape, seed)
        return (
            tf.data.Dataset.counter(first, num_tasks)
            .map(lambda start: draw(start, num_tasks), num_parallel_calls=2, deterministic=True)
            .prefetch(4)
        )
