"""Episodes as people see them: pictures, texts or numbers, and the names of their classes."""

from functools import cached_property

import numpy as np

from tfmeta.episodes.episode import Episode
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.learners.padding import unpadded_arrays


class ShownEpisodes:
    """The examples of a few episodes in a form that people can look at.

    Args:
        fixed: the episodes; all of them are taken at once.
    """

    def __init__(self, fixed: FixedEpisodes):
        self._fixed = fixed

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
        return fixed.source.names_of_classes(*drawn) or unnamed

    @cached_property
    def tasks(self) -> list[Episode]:
        """As the source draws them, without padding; pictures in place of their examples."""
        (episodes,) = self._fixed.batches(self._fixed.num_tasks)
        tasks, form = list(unpadded_arrays(episodes)), self._fixed.source.input_format
        if not self.has_pictures:
            return tasks
        pictures = form.pictures
        return [
            task._replace(support_x=pictures(task.support_x), query_x=pictures(task.query_x))
            for task in tasks
        ]

    def words(self, number: int) -> tuple[list[str], list[str]]:
        """The support set and the queries of an episode in words: texts, or some numbers."""
        if self._numbers is None:
            task, words = self.tasks[number], self._fixed.source.input_format.words
            return words(task.support_x), words(task.query_x)
        task, texts = self._numbers[number], self._fixed.source.prepared
        assert texts is not None  # what has numbers has examples
        support, query = (texts.texts(each[:, 0]) for each in (task.support_x, task.query_x))
        return support or [], query or []

    @cached_property
    def _numbers(self) -> list[Episode] | None:
        """The episodes with the numbers of their examples, if these are texts."""
        fixed = self._fixed
        prepared, numbered = fixed.source.prepared, fixed.source.numbered()
        if prepared is None or numbered is None or prepared.texts(np.arange(1)) is None:
            return None
        (episodes,) = fixed.batches(fixed.num_tasks, numbered)
        return list(unpadded_arrays(episodes))
