"""Checks the keys and values of tfmeta's JSON files.

A file may come from a stranger, or from an editor, so that everything in it is checked first.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from tfmeta import files, strict_json
from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

_MOST_NUMBER = 2**31 - 1  # the largest number with which TensorFlow counts
_MOST_SHOWN = 60  # letters of a wrong value that are shown
DIGEST = "sha256"

# A kind of value: its name in error messages, and a function that says whether a value is one.
Kind = tuple[str, Callable[[Any], bool]]

TEXT: Kind = ("a string", lambda v: isinstance(v, str))
TEXTS: Kind = ("a list of strings", lambda v: _is_list(v, TEXT))
TRUTH: Kind = ("true or false", lambda v: isinstance(v, bool))
COUNT: Kind = ("a whole number from 1 up", lambda v: _is_whole(v) and v >= 1)
NUMBER: Kind = ("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool))
SHARE: Kind = ("a number above 0 and under 1", lambda v: NUMBER[1](v) and 0 < v < 1)
NUMBERS: Kind = ("a number or a list of them", lambda v: NUMBER[1](v) or _is_list(v, NUMBER))
SHAPE: Kind = ("a list of whole numbers from 1 up", lambda v: _is_list(v, COUNT))
COUNTS: Kind = (
    "an object of whole numbers",
    lambda v: isinstance(v, dict) and all(map(_is_whole, v.values())),
)
OBJECT: Kind = ("an object", lambda v: isinstance(v, dict))
DIGESTS: Kind = (
    "an object of SHA-256 digests by the paths of files",
    lambda v: isinstance(v, dict) and all(map(_is_digest, v.values())),
)


def or_null(kind: Kind) -> Kind:
    """That kind, or null."""
    return f"{kind[0]}, or null", lambda v: v is None or kind[1](v)


def one_of(*values: str) -> Kind:
    """One of these."""
    return f"one of {', '.join(values)}", lambda v: isinstance(v, str) and v in values


def read_object(path: AnyPath, fields: Mapping[str, Kind]) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: of the file.
        fields: its keys, none of which may be missing; other keys are allowed.

    Raises:
        UserError: if there is no object in it, or a key is missing, or its value is of another
            kind.
    """
    return checked(files.read_json(path), fields, str(path))


def checked(content: Any, fields: Mapping[str, Kind], what: str) -> dict[str, Any]:
    """`content`, if it has these keys with values of these kinds; errors call it `what`.

    Raises:
        UserError: if it has other ones.
    """
    if not isinstance(content, dict):
        raise _damaged(what, f"received {_shown(content)}, expected an object")
    for key, (expected, is_one) in fields.items():
        if key not in content:
            raise _damaged(what, f"{key} is missing, expected {expected}")
        if not is_one(content[key]):
            raise _damaged(what, f"{key} is {_shown(content[key])}, expected {expected}")
    return content


def with_digest(content: Mapping[str, Any], *, without: Any = ()) -> dict[str, Any]:
    """`content`, as JSON has it, with a digest of everything in it except the keys `without`."""
    content = json.loads(strict_json.dumps(content))
    return {**content, DIGEST: _digest(content, without)}


def check_digest(content: Mapping[str, Any], what: str, *, without: Any = ()) -> None:
    """Raises UserError if `content` has a digest of itself that no longer fits.

    This shows damage and mistakes. It does not prove where a file comes from, because somebody who
    changes a file on purpose can write a digest that fits.
    """
    if content.get(DIGEST, digest := _digest(content, without)) != digest:
        raise _damaged(
            what,
            f"it is not what was written (its digest differs); bring it back, or take the line "
            f"{DIGEST} out if the change is meant",
        )


def _digest(content: Any, without: Any) -> Any:
    kept = {key: value for key, value in content.items() if key not in (DIGEST, *without)}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _damaged(what: str, problem: Any) -> UserError:
    return UserError(f"{what} is missing or damaged: {problem}", exit_status=1)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST_NUMBER


def _is_list(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(map(kind[1], value))


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
