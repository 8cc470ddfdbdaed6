"""Checks of what a learner's constructor receives."""

from typing import Any

import keras

from tfmeta.flags import check_flags


def check_basics(network: Any, seed: Any, vectorised: Any, **flags: Any) -> None:
    """Refuses what every learner receives, if it is of another type; see the functions below."""
    check_network(network)
    check_seed(seed)
    check_flags(**flags)
    if vectorised not in (True, False, "auto"):
        raise ValueError(f"received vectorised={vectorised!r}; expected True, False or 'auto'")


def check_network(network: Any) -> None:
    """Raises TypeError if it is no `keras.Model`."""
    if not isinstance(network, keras.Model):
        hint = ""
        if isinstance(network, str):
            hint = "; a name is for tfmeta.train, and tfmeta.networks makes networks in Python"
        raise TypeError(
            f"received {network!r:.80} ({type(network).__name__}) as the network; expected a built "
            f"keras.Model{hint}"
        )


def checked_rate(inner_learning_rate: float) -> float:
    """Raises ValueError if the rate of an inner loop is not positive."""
    if not isinstance(inner_learning_rate, int | float) or not inner_learning_rate > 0:
        raise ValueError(
            f"received inner_learning_rate={inner_learning_rate!r}; expected a positive number"
        )
    return inner_learning_rate


def check_seed(seed: Any) -> None:
    """Raises ValueError if a seed is neither None nor a whole number."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ValueError(f"received seed={seed!r}; expected a whole number, or None")
