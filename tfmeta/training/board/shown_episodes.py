"""Episodes as people see them: pictures, texts or numbers, and the names of their classes."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode, without_solution
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.learners.padding import unpadded_arrays


class ShownEpisodes:
    """The examples of a few episodes in a form that people can look at.

    Args:
        fixed: the episodes.
        numbers: which of them, in this order; None for all.
    """

    def __init__(self, fixed: FixedEpisodes, numbers: Sequence[int] | None = None):
        self._fixed = fixed
        self._numbers = range(fixed.num_tasks) if numbers is None else numbers

    @property
    def has_pictures(self) -> bool:
        return self._fixed.source.input_format.has_pictures

    @property
    def are_curves(self) -> bool:
        """Whether examples and targets are single numbers."""
        source = self._fixed.source
        return source.input_shape == (1,) and source.target_size == 1

    @cached_property
    def names(self) -> list[list[str]] | None:
        """The names of each episode's classes; None if targets are values."""
        fixed = self._fixed
        if fixed.source.target_kind.are_values:
            return None
        drawn = (fixed.split, fixed.shape, fixed.seed, fixed.num_tasks)
        unnamed = [[f"class {n}" for n in range(fixed.shape.num_ways)]] * fixed.num_tasks
        named = fixed.source.names_of_classes(*drawn) or unnamed
        return [named[number] for number in self._numbers]

    @cached_property
    def episodes(self) -> list[Episode]:
        """As the source draws them, without padding."""
        return self._drawn(self._fixed.source)

    @cached_property
    def tasks(self) -> list[Episode]:
        """The episodes with pictures in place of their examples, if these are some."""
        if not self.has_pictures:
            return self.episodes
        pictures = self._fixed.source.input_format.pictures
        return [
            task._replace(support_x=pictures(task.support_x), query_x=pictures(task.query_x))
            for task in self.episodes
        ]

    def words(self, place: int) -> tuple[list[str], list[str]]:
        """The support set and the queries of an episode in words: texts, or some numbers.

        Args:
            place: of the episode among the chosen ones.
        """
        if self._rows is None:
            task, words = self.episodes[place], self._fixed.source.input_format.words
            return words(task.support_x), words(task.query_x)
        task, texts = self._rows[place], self._fixed.source.prepared
        assert texts is not None  # what has numbers has examples
        support, query = (texts.texts(each[:, 0]) for each in (task.support_x, task.query_x))
        return support or [], query or []

    @cached_property
    def _rows(self) -> list[Episode] | None:
        """The episodes with the numbers of their examples, if these are texts."""
        prepared, numbered = self._fixed.source.prepared, self._fixed.source.numbered()
        if prepared is None or numbered is None or prepared.texts(np.arange(1)) is None:
            return None
        return self._drawn(numbered)

    def _drawn(self, source: EpisodeSource) -> list[Episode]:
        fixed, numbers = self._fixed, np.asarray(self._numbers, np.int64)
        starts = tf.data.Dataset.from_tensor_slices(numbers)
        batches = source.episodes_at(starts, fixed.split, fixed.shape, seed=fixed.seed, num_tasks=1)
        return [each for batch in batches for each in unpadded_arrays(without_solution(batch))]
