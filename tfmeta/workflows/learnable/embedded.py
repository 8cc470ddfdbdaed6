"""The task of examples whose features a pretrained or fixed network makes."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.evaluation.held_out import Head
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks.beside_pixels import BesidePixels, beside_pixels
from tfmeta.networks.feature_map import feature_map
from tfmeta.networks.in_parts import BATCH, Features
from tfmeta.reading.images import to_unit
from tfmeta.training.trained_part import NONE, built_learner
from tfmeta.workflows.learnable.network import network_for
from tfmeta.workflows.learnable.request import Request
from tfmeta.workflows.learnable.task import (
    Task,
    checked_source,
    held_out_of,
    learner_of,
    told_while_embedding,
)

PIXELS = (0.0, 0.5, 1.0)  # weights that are tried


def embedded_task(
    read: EpisodeSource, name: str, request: Request, *, weights: Sequence[float] = PIXELS
) -> Task:
    """The task of images or sounds, whose features the network of that name makes.

    Args:
        read: the source.
        name: of the network.
        request: that it is for.
        weights: of an image's pixels beside the features, which are tried.
    """
    source = checked_source(read, request)
    network = network_for(source, name)
    noun = source.input_format.noun
    embedded = told_while_embedding(
        request.progress, lambda done, total: f"{done} of {total:,} {noun} embedded"
    )
    made = cached_features(network, source.index.examples, on_progress=embedded)
    tried = {weight: _beside(weight, made, source) for weight in weights}
    held_out = {
        weight: held_out_of(_as_compared(each), source, request) for weight, each in tried.items()
    }
    weight = min(weights, key=lambda each: getattr(held_out[each], "loss", 0.0))

    def make_learner(head: Head) -> MetaLearner:
        make = partial(learner_of, head)
        whole = beside_pixels(network, weight)
        return built_learner(make, whole, train=NONE, num_outputs=None)

    return Task(source, held_out[weight], tried[weight], make_learner, name, weight)


def _as_compared(features: Features) -> Features:
    """The features as the head of a frozen network takes them."""
    compared: Features = feature_map(features.shape[1:], trained=False)(features).numpy()
    return compared


def _beside(weight: float, made: Features, source: ClassSource) -> Features:
    """The features, with pixels of that weight."""
    if not weight:
        return made
    layer, images = BesidePixels(weight), source.index.examples
    starts = range(0, len(made), BATCH)
    parts = [(made[s : s + BATCH], to_unit(tf.constant(images[s : s + BATCH]))) for s in starts]
    return np.concatenate([layer(list(part)).numpy() for part in parts])
