"""Code that a text names, and who has to name it before it is imported.

A run, a file of optima or a file of settings may come from a stranger. What it names runs as soon
as it is imported. So a name that was read from a file carries that file with it, and nothing is
imported by it until the user says the same name, which is then another text, or says --trust.
"""

import contextlib
import contextvars
import importlib
import os

from tfmeta.errors import UserError

_TRUST = contextvars.ContextVar("tfmeta_trust", default=False)
_said = set()  # names that code was imported by; a file may repeat what the user has said


class NameInFile(str):
    """A text that stands in a file; like any other, but that no code is imported by it.

    Attributes:
        file: where it stands.
    """

    file = None


def from_file(value, file):
    """What a JSON file holds, each text in it, keys too, as a `NameInFile`."""
    if isinstance(value, str):
        value = NameInFile(value)
        value.file = os.fspath(file)
        return value
    if isinstance(value, dict):
        return {from_file(key, file): from_file(each, file) for key, each in value.items()}
    return [from_file(each, file) for each in value] if isinstance(value, list) else value


@contextlib.contextmanager
def trusting(trust: bool):
    """In its body files may name code, if `trust`; else as it was before."""
    token = _TRUST.set(bool(trust) or _TRUST.get())
    try:
        yield
    finally:
        _TRUST.reset(token)


def trusts_files() -> bool:
    """Whether the user has said --trust (`trust=True` in Python)."""
    return _TRUST.get()


def refuse_code(what: str, file) -> UserError:
    """The refusal of code that a file names or holds.

    Args:
        what: would run, and why.
        file: that asks for it.
    """
    return UserError(
        f"{file} asks for {what}; it is not tfmeta's, and nothing of it was run. If you trust "
        "where it comes from, pass --trust (in Python: trust=True)"
    )


def check_said(name: str, what: str) -> None:
    """Raises UserError if code is named by a file, and not by the user.

    Args:
        name: `package.module:attribute`, or whatever leads to code that is not ours.
        what: of it, such as "network".
    """
    if not isinstance(name, NameInFile):
        _said.add(name)
    elif name not in _said and not trusts_files():
        raise refuse_code(
            f"the {what} {str(name)!r}, which would be imported and called", name.file
        )


def import_named(name: str, what: str):
    """What `package.module:attribute` names; whatever the import raises passes through.

    Args:
        name: of it, by the user or from a file.
        what: of it, such as "network".

    Raises:
        UserError: if a file names it, and the user has not.
    """
    check_said(name, what)
    module, _, attribute = name.rpartition(":")
    return getattr(importlib.import_module(module), attribute)
