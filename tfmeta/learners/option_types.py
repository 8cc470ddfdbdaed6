"""The options of a learner's constructor are of the types that its signature says."""

import functools
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any

import numpy as np

from tfmeta.errors import UserError

_UNIONS = (typing.Union, UnionType)
_EXPECTED = {bool: "True or False", int: "a whole number", float: "a finite number"}


def with_checked_types(constructor: Callable[..., None]) -> Callable[..., None]:
    """A constructor that refuses numbers and flags of other types than its annotations say.

    Parameters of another annotation than bool, int or float, each also with None, are passed on as
    they are. Numbers of NumPy become Python's, which a configuration can hold.
    """
    signature = inspect.signature(constructor)

    @functools.wraps(constructor)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        kinds = _kinds(constructor)
        names = [name for name in signature.parameters if name != "self"]
        positional = [
            _of_kind(name, value, kinds) for name, value in zip(names, args, strict=False)
        ]
        named = {name: _of_kind(name, value, kinds) for name, value in kwargs.items()}
        constructor(self, *positional, *args[len(positional) :], **named)

    return checked


def checked_number(name: str, value: Any, kind: type[Any]) -> Any:
    """A value of a type (bool, int or float), as Python has it.

    Raises:
        UserError: if it is of another type; True is no number, and neither are text, NaN and
            infinities.
    """
    number = value.item() if isinstance(value, np.generic) else value
    is_flag = isinstance(number, bool)
    is_good = {
        bool: is_flag,
        int: isinstance(number, int) and not is_flag,
        float: isinstance(number, int | float) and not is_flag and math.isfinite(number),
    }
    if not is_good[kind]:
        raise UserError(f"received {name}={value!r}; expected {_EXPECTED[kind]}")
    return number


def _of_kind(name: str, value: Any, kinds: Mapping[str, Any]) -> Any:
    kind, may_be_none = kinds.get(name, (None, False))
    if kind is None or (value is None and may_be_none):
        return value
    return checked_number(name, value, kind)


@functools.cache
def _kinds(constructor: Callable[..., None]) -> dict[str, tuple[type[Any], bool]]:
    """`{parameter: (bool, int or float, whether it may be None)}`, of those of such types."""
    try:
        hints = typing.get_type_hints(constructor)
    except NameError:  # of a user's own class, whose names only a type checker knows
        hints = {}
    found = {}
    for name, hint in hints.items():
        parts = typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else (hint,)
        kinds = [part for part in parts if part is not type(None)]
        if len(kinds) == 1 and kinds[0] in _EXPECTED:
            found[name] = (kinds[0], len(kinds) < len(parts))
    return found
