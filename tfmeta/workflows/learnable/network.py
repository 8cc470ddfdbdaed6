"""The network that makes features of a user's examples."""

import inspect
from typing import Any

import keras

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, listed
from tfmeta.training.network_choice import network_function

_SEED = 0  # of weights that are drawn, so that the same data becomes the same model


def network_for(source: EpisodeSource, name: str, **options: Any) -> keras.Model:
    """The network of that name, without a head, for the examples of a source.

    Args:
        source: of the examples.
        name: "auto", or what `tfmeta networks` lists.
        options: of the network's function.

    Returns:
        A model `(batch, *source.input_shape) -> (batch, features)`.

    Raises:
        UserError: if there is no such network, it takes other examples, or it makes no vectors.
    """
    make, shape = network_function(name, source), tuple(source.input_shape)
    what = f"the {source.input_format.noun}, of shape {shape},"
    given = {"input_shape", "num_outputs", *options}
    needed = [
        each.name
        for each in inspect.signature(make).parameters.values()
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty and each.name not in given
    ]
    if needed:
        raise UserError(
            f"{what} are not for the network {name!r}, which needs {listed(needed)}; expected one "
            "for them, see `tfmeta networks`"
        )
    keras.utils.set_random_seed(_SEED)
    try:
        network = make(input_shape=shape, num_outputs=None, **options)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(f"{what} are not for the network {name!r}: {error}") from error
    made = tuple(network.output_shape[1:])
    if len(made) != 1:
        raise UserError(
            f"the network {name!r} makes of {what} features of shape {made}; expected a vector"
        )
    return network
