"""Imports code by its name, but only if the user has named it.

A run, a file of optima or a file of settings may come from a stranger. What it names runs as soon
as it is imported. So a name that was read from a file knows that file (`NameInFile`). Nothing is
imported by such a name, until the user gives the same name, which is then another text, or gives
--trust.
"""

import contextlib
import contextvars
import importlib
import os
from collections.abc import Iterator
from typing import Any

from tfmeta.errors import UserError, described

_TRUST = contextvars.ContextVar("tfmeta_trust", default=False)
_said: set[str] = set()  # names that the user has given; a file may repeat them
_ran: set[str] = set()  # names by which code was imported


class NameInFile(str):
    """A text from a file. It is like any other text, but no code is imported by it.

    Attributes:
        file: the file that has it.
    """

    file = None


def from_file(value: Any, file: Any) -> Any:
    """The content of a JSON file, with each text in it, also keys, as a `NameInFile`."""
    if isinstance(value, str):
        value = NameInFile(value)
        value.file = os.fspath(file)
        return value
    if isinstance(value, dict):
        return {from_file(key, file): from_file(each, file) for key, each in value.items()}
    return [from_file(each, file) for each in value] if isinstance(value, list) else value


def part_of(name: str, text: str) -> str:
    """A part of a text, from the same file as that, if it is from one."""
    return from_file(text, name.file) if isinstance(name, NameInFile) else text


@contextlib.contextmanager
def trusting(trust: bool) -> Iterator[Any]:
    """Lets files name code in its body if `trust` is True; otherwise changes nothing."""
    token = _TRUST.set(bool(trust) or _TRUST.get())
    try:
        yield
    finally:
        _TRUST.reset(token)


def trusts_files() -> bool:
    """Whether the user has given --trust (`trust=True` in Python)."""
    return _TRUST.get()


def refuse_code(what: str, file: Any) -> UserError:
    """The error that refuses code which a file names or holds.

    Args:
        what: what would run, and why.
        file: the file that asks for it.
    """
    return UserError(
        f"{file} asks for {what}; it is not tfmeta's, and nothing of it was run. If you trust "
        "where it comes from, pass --trust (in Python: trust=True)"
    )


def check_said(name: str, what: str) -> None:
    """Raises UserError if a file names code, and the user has not named it.

    Args:
        name: `package.module:attribute`, or another name that leads to code from elsewhere.
        what: of it, such as "network".
    """
    if not isinstance(name, NameInFile):
        _said.add(name)
    elif name not in _said and not trusts_files():
        raise refuse_code(
            f"the {what} {str(name)!r}, which would be imported and called", name.file
        )
    _ran.add(str(name))


def trust_option() -> str:
    """What a command needs that goes on with what this process made: " --trust", or nothing."""
    return " --trust" if any(not name.startswith("tfmeta.") for name in _ran) else ""


def import_named(name: str, what: str) -> Any:
    """The object that `package.module:attribute` names; the import may raise anything.

    Args:
        name: of the object, from the user or from a file.
        what: of it, such as "network".

    Raises:
        UserError: if a file names it, and the user has not named it.
    """
    check_said(name, what)
    module, _, attribute = name.rpartition(":")
    return getattr(importlib.import_module(module), attribute)


def why_not_imported(name: str, error: Exception) -> str:
    """What an import raised; of a module that is not there, also where Python looks for it.

    Args:
        name: `package.module:attribute`, or the module alone.
        error: what importing it raised.
    """
    module = name.partition(":")[0]
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if not missing or not f"{module}.".startswith(f"{missing}."):
        return described(error)  # another module is missing, which this one imports
    top = module.partition(".")[0]
    return (
        f"{described(error)}; if it is your own, tell Python its folder, for example the working "
        f'one, which holds {top}.py: PYTHONPATH="$PWD" tfmeta ...'
    )
