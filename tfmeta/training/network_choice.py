"""The function that makes a run's network, by its name."""

from collections.abc import Callable

from tfmeta import networks
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError, described
from tfmeta.named_code import import_named


def network_function(name: str, source: EpisodeSource) -> Callable:
    """The function of a setting `network`.

    Args:
        name: "auto", a name in `tfmeta.networks`, or `package.module:function`.
        source: says which network suits its examples.

    Raises:
        UserError: if there is no such function, or importing it fails.
    """
    if name == "auto":
        name = source.network or ("conv4" if len(source.input_shape) == 3 else "mlp")
    if is_foreign(name):
        try:
            return import_named(name, "network")
        except UserError:
            raise
        except Exception as error:  # whatever a user's module does when it is imported
            raise UserError(f"cannot load the network {name!r}: {described(error)}") from error
    if name not in networks.NAMES:
        raise UserError(
            f"unknown network {name!r}; expected auto, {', '.join(networks.NAMES)} or "
            "package.module:function"
        )
    return getattr(networks, name)


def is_foreign(name: str) -> bool:
    """Whether the function is not one of tfmeta's; it may then load weights when it is called."""
    return ":" in name
