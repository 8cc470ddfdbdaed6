"""The source of a run's episodes, and the sizes of the episodes that settings ask for."""

from dataclasses import replace

from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.pipelines import build
from tfmeta.training.settings import Settings


def open_source(settings: Settings) -> EpisodeSource:
    """The pipeline's source of episodes; raises UserError if its data is missing or unreadable."""
    return build(
        settings.pipeline,
        data_dir=settings.data_dir,
        options=settings.pipeline_options,
        skip_unreadable=settings.skip_unreadable,
    )


def with_ways(settings: Settings, source: EpisodeSource) -> Settings:
    """Settings with the default number of ways filled in."""
    return replace(settings, ways=settings.ways or source.target_kind.default_ways)


def episode_shape(settings: Settings) -> EpisodeShape:
    """The task that a run is to be good at."""
    return EpisodeShape(
        Range.up_to(settings.ways, settings.least_ways),
        Range.up_to(settings.shots, settings.least_shots),
        Range.up_to(settings.queries, settings.least_queries),
        within_group=settings.within_group,
        unbalanced=settings.unbalanced,
        skip_small_classes=settings.skip_small_classes,
    )


def training_shape(settings: Settings) -> EpisodeShape:
    """The episodes that a run is trained on, with the recipe's sizes filled in.

    Where an episode is smaller than the least of the task's range, its own size is the least.
    """
    ranges = {}
    for name in ("ways", "shots", "queries"):
        most, least = getattr(settings, f"train_{name}"), getattr(settings, f"least_{name}")
        ranges[f"num_{name}"] = Range.up_to(most, least and min(least, most))
    return episode_shape(settings).changed(**ranges)
