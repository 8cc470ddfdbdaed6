"""The function that makes a run's network, by its name."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras

from tfmeta import networks
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError
from tfmeta.named_code import import_named, part_of, why_not_imported
from tfmeta.network_registry import AUTO, FAMILIES, SAVED, check_known
from tfmeta.networks.saved_network import saved_network
from tfmeta.training.settings import Settings

_GIVEN = ("input_shape", "num_outputs")  # by the data and the learner


def network_function(name: str, source: EpisodeSource) -> Callable[..., keras.Model]:
    """The function of a setting `network`. It imports nothing but what the name says.

    Args:
        name: "auto", or what `tfmeta networks` lists.
        source: says which network suits its examples.

    Raises:
        UserError: if there is no such function, or importing it fails.
    """
    check_known(name)
    if name == AUTO:
        name = source.network or ("conv4" if len(source.input_shape) == 3 else "mlp")
    if name in networks.NAMES:
        return getattr(networks, name)
    family, colon, member = name.partition(":")
    if colon and family in FAMILIES:
        return partial(FAMILIES[family].load(), part_of(name, member))
    if name.endswith(SAVED):
        return partial(saved_network, name)
    try:
        return import_named(name, "network")
    except UserError:
        raise
    except Exception as error:  # whatever a user's module does when it is imported
        why = why_not_imported(name, error)
        raise UserError(f"cannot load the network {name!r} ({why})") from error


def check_taken(function: Callable[..., keras.Model], settings: Settings) -> None:
    """Raises UserError for an option of the network that its function has no argument for."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind == each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters if each.name not in _GIVEN]
    if unknown := [name for name in settings.network_options if name not in known]:
        is_auto = settings.network == AUTO
        name = getattr(function, "__name__", AUTO) if is_auto else settings.network
        of_another = (
            ". An option of another network needs its name, too: --network NAME" if is_auto else ""
        )
        raise UserError(
            f"the network {name} has no option {unknown[0]!r}; it has: "
            f"{', '.join(known) or 'none'}{of_another}"
        )


def taken_by(function: Callable[..., keras.Model], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a source's defaults that a network's function has arguments for."""
    accepted = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in accepted}


def is_foreign(name: str) -> bool:
    """Whether the function is not one of tfmeta's; it may then load weights when it is called."""
    return ":" in name or name.endswith(SAVED)
