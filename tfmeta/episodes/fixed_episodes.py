"""Which episodes a learner is tested on."""

from dataclasses import dataclass

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource


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
