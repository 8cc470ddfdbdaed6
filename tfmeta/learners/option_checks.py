"""Checks of constructor arguments that several options have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras


def check_basics(network: Any, vectorised: Any, others: Mapping[str, Any]) -> None:
    """Refuses what every learner receives, if it makes no sense or would not count.

    Args:
        network: see `check_network`.
        vectorised: True, False or "auto".
        others: arguments for Keras.
    """
    check_network(network)
    if not (isinstance(vectorised, bool) or vectorised == "auto"):
        raise ValueError(f"received vectorised={vectorised!r}; expected True, False or 'auto'")
    if others.get("activity_regularizer") is not None:
        raise ValueError(
            "received activity_regularizer, which would not count: a learner's outputs are "
            "answers. Give it to layers of the network, or regularise their weights"
        )


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


def check_at_least(least: int, **numbers: int) -> None:
    """Raises ValueError if a whole number is below the least one that makes sense."""
    for name, value in numbers.items():
        if value < least:
            raise ValueError(f"received {name}={value!r}; expected a whole number from {least} up")


def check_positive(**numbers: float) -> None:
    """Raises ValueError if a number is not positive."""
    for name, value in numbers.items():
        if not value > 0:
            raise ValueError(f"received {name}={value!r}; expected a positive number")


def check_name(option: str, value: Any, known: Iterable[Any]) -> None:
    """Raises ValueError if an option's value is none of those that there are."""
    known = list(known)
    if value not in known:
        names = ", ".join(map(repr, known))
        raise ValueError(f"received {option}={value!r}; expected one of: {names}")


def check_share(option: str, value: float) -> None:
    """Raises ValueError if an option's value is no share of something, less than all of it."""
    if not 0 <= value < 1:
        raise ValueError(
            f"received {option}={value!r}; expected a number from 0 up to 1, without 1"
        )
