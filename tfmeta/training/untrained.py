"""A run's network as it was before any training, compared by the nearest class mean."""

import keras

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.on_features import OnFeatures
from tfmeta.learners.prototypical import Prototypical
from tfmeta.training.fitted_network import fitted
from tfmeta.training.network_choice import network_function
from tfmeta.training.settings import Settings
from tfmeta.training.trained_part import ALL, NONE, built_learner, is_on_features


def untrained_learner(
    settings: Settings, source: EpisodeSource, trained: MetaLearner
) -> MetaLearner | None:
    """The nearest class mean of what the network makes of examples at its start.

    Args:
        settings: of a run, resolved.
        source: of the run's episodes, or of others with examples of the same shape.
        trained: the learner of the run; if its network is frozen, this is the network.

    Returns:
        The learner; None for values.

    Raises:
        UserError: if the network can't be made again, for want of its weights for one.
    """
    if source.target_kind.are_values:
        return None
    try:
        network = _at_start(settings, source, trained)
        if len(network.output_shape) != 2:  # a map: of an embedding's comparison, flattened
            flat = keras.layers.Flatten()(network.output)
            network = keras.Model(network.input, flat)
        train = NONE if is_on_features(settings.train) else ALL
        return built_learner(Prototypical, network, train=train, num_outputs=None)
    except UserError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"cannot build the network: {error}") from error


def _at_start(settings: Settings, source: EpisodeSource, trained: MetaLearner) -> keras.Model:
    if isinstance(trained, OnFeatures):
        return trained.network
    make = network_function(settings.network, source)
    options = {"input_shape": source.input_shape, "num_outputs": None, **settings.network_options}
    keras.utils.set_random_seed(settings.seed)
    return fitted(make(**options), source)
