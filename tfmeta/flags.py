"""A check of arguments that are True or False. Imports no TensorFlow."""

from tfmeta.errors import UserError


def check_flags(**flags: object) -> None:
    """Raises UserError if one is neither True nor False: the text "no" would count as True."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise UserError(f"received {name}={value!r}; expected True or False")
