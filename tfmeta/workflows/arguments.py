"""What a caller from Python may give where the command line takes text. Imports no TensorFlow."""

import operator

from tfmeta.errors import UserError


def whole(name: str, value, *, least: int) -> int:
    """A whole number, NumPy's too, as Python's.

    Args:
        name: of the argument, for what is said of it.
        value: of it.
        least: that it may be.

    Raises:
        UserError: if it is none, or less.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise UserError(f"received {name}={value!r}; expected a whole number from {least} up")
    return number
