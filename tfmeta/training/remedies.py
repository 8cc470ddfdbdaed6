"""What a user can do where a split has too few classes, tasks or examples."""

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.pipelines import options_of
from tfmeta.training.settings import Settings

_WITHOUT_VALIDATION = "; or train without: validation_tasks=0 (--set validation_tasks=0)"


def remedy_of(split: str, settings: Settings, source: EpisodeSource) -> str:
    """The end of a message that refuses to train with a split."""
    larger = larger_split(split, settings, source)
    remedy = f"; or {larger}" if larger else ""
    remedy += _WITHOUT_VALIDATION if split == "validation" else ""
    if source.target_kind.are_values or settings.data_dir is None:
        return remedy
    few = f"A few classes alone can be learned without training: tfmeta learn {settings.data_dir}"
    return f"{remedy}. {few}"


def larger_split(split: str, settings: Settings, source: EpisodeSource) -> str:
    """How a split gets more, if the pipeline divides the classes or tasks; else ""."""
    if split not in options_of(settings.pipeline):
        return ""
    number = "SHARE" if source.target_kind.are_values else settings.ways
    return f"make that split larger: --set pipeline.{split}={number}"
