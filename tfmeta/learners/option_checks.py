"""Checks of constructor arguments that several options have in common."""

from collections.abc import Iterable
from typing import Any


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
