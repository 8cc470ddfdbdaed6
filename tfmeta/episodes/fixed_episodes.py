"""Which episodes a learner is tested on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode, without_solution
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource, even_batch
from tfmeta.episodes.source_failure import as_raised


@dataclass(frozen=True)
class FixedEpisodes:
    """The first episodes of a split; the same ones every time, on any machine.

    Attributes:
        source: where the episodes come from.
        shape: of the episodes.
        split: of the source.
        num_tasks: how many episodes.
        seed: of the episodes; the same seed gives the same episodes.
    """

    source: EpisodeSource
    shape: EpisodeShape
    split: str = "test"
    num_tasks: int = 600
    seed: int = 0

    def batches(
        self, most: int, source: EpisodeSource | None = None
    ) -> Iterator[Episode | PaddedEpisode]:
        """The episodes, some at a time.

        Args:
            most: tasks per batch; as many as divide the number of tasks.
            source: draws the same episodes in another form; None for the source itself.

        Raises:
            UserError: if there are no such episodes.
        """
        size = even_batch(self.num_tasks, most)
        if source is not None:
            dataset = self._drawn(source, size)
        elif (dataset := self._kept.get(size)) is None:
            dataset = self._kept[size] = self._drawn(self.source, size)
        return _given(dataset.take(self.num_tasks // size))

    @cached_property
    def _kept(self) -> dict[int, tf.data.Dataset]:
        """The datasets of the source itself, by tasks per batch: each is traced once."""
        return {}

    def _drawn(self, source: EpisodeSource, num_tasks: int) -> tf.data.Dataset:
        return source.episodes(self.split, self.shape, seed=self.seed, num_tasks=num_tasks)


def _given(dataset: tf.data.Dataset) -> Iterator[Episode | PaddedEpisode]:
    with as_raised():
        yield from map(without_solution, dataset)
