"""Networks whose layers take what they can from the training examples before a run begins."""

from typing import cast

import keras

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.networks.fitted_layer import fit_layers, is_fitted


def fitted(network: keras.Model, source: EpisodeSource) -> keras.Model:
    """The network, once its layers are fitted to the training examples of a source.

    Raises:
        UserError: if it has such layers, and the source no labelled examples.
        ValueError: if an example is not finite.
    """
    if is_fitted(network):
        source.check_embeddable()
        index = cast(ClassSource, source).index
        fit_layers(network, index.examples[index.rows("train")])
    return network
