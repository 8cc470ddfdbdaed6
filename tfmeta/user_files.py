"""Opens users' files, which must be regular and not larger than they should be.

A pipe or a device is refused before it is opened, because reading it could wait or never end.
"""

import os
import stat
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError

AnyPath = str | os.PathLike[str]  # how a caller may name a file or a folder

_SPARE = 256 * 2**20  # bytes that the content of any file may have
_MOST_EXPANSION = 100  # times the bytes on the disk; above that a file is refused, as in Keras
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")  # hidden files that Windows puts into folders
_BLOCK = 512  # bytes, of `st_blocks`
_MEBIBYTE = 2**20
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is hidden from people who look at their own."""
    return path.name.startswith(".") or path.name.lower() in _OF_SYSTEMS


def open_file(path: AnyPath, *, most: int | None = None) -> Any:
    """Opens a regular file to read its bytes.

    Args:
        path: of the file.
        most: bytes that it may have; None for any number that is on the disk, without holes.

    Raises:
        UserError: if the file is not regular, or is too large.
        OSError: if the file is missing, or can't be read.
    """
    check_file(path, most=most)
    # If it has become a pipe by now, opening does not wait.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise UserError(f"{path} is no longer a regular file; expected one")
    return file


def check_file(path: AnyPath, *, most: int | None = None) -> None:
    """The checks of `open_file`, for a file that other code opens."""
    state = os.stat(path)
    if not stat.S_ISREG(state.st_mode):
        kind = _KINDS.get(stat.S_IFMT(state.st_mode), "no file")
        raise UserError(f"{path} is {kind}; expected a regular file. Copy what it holds into one")
    if most is not None and state.st_size > most:
        raise UserError(
            f"{path} has {state.st_size / _MEBIBYTE:,.0f} MiB; expected {most // _MEBIBYTE:,} MiB "
            "at most"
        )
    check_expansion(path, state.st_size, getattr(state, "st_blocks", state.st_size) * _BLOCK)


def read_file(path: AnyPath, *, most: int | None = None) -> bytes:
    """All bytes of a regular file; raises what `open_file` raises."""
    with open_file(path, most=most) as file:
        return file.read()


def read_text(path: AnyPath, *, most: int | None = None) -> str:
    """The text of a regular file in UTF-8; raises what `open_file` raises, and ValueError."""
    return read_file(path, most=most).decode("utf-8")


def check_expansion(what: object, size: int, stored: int) -> None:
    """Raises UserError if a few bytes on the disk would become very many bytes in memory."""
    if size > max(_SPARE, _MOST_EXPANSION * stored):
        raise UserError(
            f"{what} would be {size / _MEBIBYTE:,.0f} MiB in memory, of which "
            f"{stored / _MEBIBYTE:,.3g} MiB are there; expected a file without holes, compressed "
            f"{_MOST_EXPANSION} times at most"
        )


def is_within(path: AnyPath, folder: AnyPath) -> bool:
    """Whether a path is a folder or in it, wherever links lead; neither has to be there."""
    whole, root = Path(path).resolve(), Path(folder).resolve()
    return root in (whole, *whole.parents)


def printable(path: AnyPath) -> str:
    """A path as text; bytes that are no text are written as numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
