"""What `tfmeta.learn` says of its options."""

import re
import shlex
from pathlib import Path
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError
from tfmeta.workflows.learnable.text_column import likely_texts

_OF_VALUES = "or a column of values with --target NAME"
_OF_TEXTS = "or learn the classes of texts with --text NAME"
_ONE_GROUP = "expected one group per class"
_OF_PERSONS = (
    ". If examples of one group are to be held out together, rename the array group and name it "
    "with --hold-out-by NAME"
)
_AS_CATEGORIES = ", or take texts as categories"
_MEND = "; make them numbers, or"
_OF_ALL = re.compile(
    r"rename them, or train with --set pipeline\.(split_folders=false|groups=true)"
)


def in_own_words(error: UserError, place: Path | None = None) -> UserError:
    """An error about an option of a pipeline, in the words of the options of `tfmeta learn`.

    Args:
        error: of the pipeline.
        place: the data, in which a column may seem to hold texts.
    """
    words = _OF_ALL.sub("rename them", str(error))
    texts = likely_texts(place) if place is not None and _MEND in words else None
    if texts:
        of_texts = f"--text {shlex.quote(texts)}"
        words = words.replace(_MEND, f"; learn the classes of texts with {of_texts}, or")
    words = re.sub(r"--set ('?)pipeline\.(\w+)=", _as_own, words)
    words = words.replace(_ONE_GROUP, _ONE_GROUP + _OF_PERSONS)
    words = words.replace("--label NAME", f"--label NAME, {_OF_VALUES}")
    if not texts:
        words = words.replace(_AS_CATEGORIES, f", {_OF_TEXTS}{_AS_CATEGORIES}")
    words = words.replace("with --features A,B", f"with --features A,B, {_OF_TEXTS}")
    one = "another with --target NAME. A column of names is learned with --label NAME"
    words = words.replace("others with --target A,B", one)
    return UserError(words, exit_status=error.exit_status)


def _as_own(found: re.Match[str]) -> str:
    return f"--{found[2].replace('_', '-')} {found[1]}"


def as_option(value: Any) -> Any:
    """An option as the command line gives it; what begins as a JSON object is read as one."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return strict_json.loads(value)
    except ValueError as error:
        raise UserError(
            f"received {value!r:.80} as an option by column, which is no JSON ({error}); expected "
            """such as '{"age": 30}' or '{"colour": ["red", "blue"]}'"""
        ) from error


def refuse(name: str, value: object, received: str, expected: str) -> None:
    """Raises UserError if an option has a value, which is for other data."""
    if value:
        raise UserError(
            f"received {name}={value!r} and {received}; it is for {expected}, so leave it out"
        )
