"""The sizes of the episodes that settings ask for. Imports no TensorFlow."""

from typing import cast

from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.training.settings import Settings


def episode_shape(settings: Settings) -> EpisodeShape:
    """The task that a run is to be good at."""
    return EpisodeShape(
        Range.up_to(cast(int, settings.ways), settings.least_ways),
        Range.up_to(settings.shots, settings.least_shots),
        Range.up_to(settings.queries, settings.least_queries),
        within_group=settings.within_group,
        unbalanced=settings.unbalanced,
        skip_small_classes=settings.skip_small_classes,
    ).changed(query_other_group=settings.query_other_group)


def training_shape(settings: Settings) -> EpisodeShape:
    """The episodes that a run is trained on, with the recipe's sizes filled in.

    Where an episode is smaller than the least of the task's range, its own size is the least.
    """
    ranges = {}
    for name in ("ways", "shots", "queries"):
        most, least = getattr(settings, f"train_{name}"), getattr(settings, f"least_{name}")
        ranges[f"num_{name}"] = Range.up_to(most, least and min(least, most))
    return episode_shape(settings).changed(**ranges)
