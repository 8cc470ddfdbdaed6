"""Pretrained networks that a run could begin with, once their weights are installed."""

from collections.abc import Mapping
from typing import Any

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.network_registry import AUTO, NETWORKS
from tfmeta.pipelines import pipeline_of
from tfmeta.training.settings import Settings


def lacks_weights(learning: Mapping[str, Any]) -> bool:
    """Whether flat settings name a pretrained network whose weights are not installed."""
    row = NETWORKS.get(learning.get("network", ""))
    return bool(row and row.pretrained and not row.is_installed)


def missing_weights(settings: Settings, source: EpisodeSource) -> list[str]:
    """How to get the weights that the data's default needs; nothing if the user names a network."""
    pipeline = pipeline_of(settings.pipeline)
    learnings = pipeline.pretrained if pipeline and pipeline.pretrained else [source.learning]
    if settings.network != AUTO or not all(map(lacks_weights, learnings)):
        return []
    network = learnings[0]["network"]
    return [
        f"the network starts at random. With the weights of {network}, which is the default once "
        f"they are installed, more is mostly right: {NETWORKS[network].installed_by}"
    ]
