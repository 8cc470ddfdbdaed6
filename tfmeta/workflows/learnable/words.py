"""What `tfmeta.learn` says of its options."""

import re
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError

_OF_VALUES = "or a column of values with --target NAME"
_OF_TEXTS = "or learn the classes of texts with --text NAME"
_AS_CATEGORIES = ", or take texts as categories"


def in_own_words(error: UserError) -> UserError:
    """An error about an option of a pipeline, in the words of the options of `tfmeta learn`."""
    words = re.sub(r"--set ('?)pipeline\.(\w+)=", r"--\2 \1", str(error))
    words = words.replace("--label NAME", f"--label NAME, {_OF_VALUES}")
    words = words.replace(_AS_CATEGORIES, f", {_OF_TEXTS}{_AS_CATEGORIES}")
    words = words.replace("with --features A,B", f"with --features A,B, {_OF_TEXTS}")
    one = "another with --target NAME. A column of names is learned with --label NAME"
    return UserError(words.replace("others with --target A,B", one))


def as_option(value: Any) -> Any:
    """An option as the command line gives it; what begins as a JSON object is read as one."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return strict_json.loads(value)
    except ValueError as error:
        raise UserError(f"received {value!r:.80}, which is no JSON: {error}") from error


def refuse(name: str, value: object, received: str, expected: str) -> None:
    """Raises UserError if an option has a value, which is for other data."""
    if value:
        raise UserError(
            f"received {name}={value!r} and {received}; it is for {expected}, so leave it out"
        )
