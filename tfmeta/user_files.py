"""The one way to open a user's file: it is a regular one, and no larger than it should be.

A pipe or a device is refused before it is opened: reading would wait, or never end.
"""

import os
import stat
from pathlib import Path

from tfmeta.errors import UserError

AnyPath = str | os.PathLike[str]  # how a caller may name a file or a folder

_SPARE = 256 * 2**20  # bytes that any file may become
_MOST_EXPANSION = 100  # times the bytes on the disk, beyond that; as Keras has it for its archives
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")  # which Windows puts into folders, hidden there
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
    """Whether a file or folder is one that people don't see among their own."""
    return path.name.startswith(".") or path.name.lower() in _OF_SYSTEMS


def open_file(path, *, most: int | None = None):
    """Opens a regular file to read its bytes.

    Args:
        path: of it.
        most: bytes that it may have; None: any number, if they are there and no hole.

    Raises:
        UserError: if it is no regular file, or is too large.
        OSError: if it is missing, or can't be read.
    """
    check_file(path, most=most)
    # Should it have become a pipe meanwhile, opening does not wait.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise UserError(f"{path} is no longer a regular file; expected one")
    return file


def check_file(path, *, most: int | None = None) -> None:
    """As `open_file`, for what is opened by others."""
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


def read_file(path, *, most: int | None = None) -> bytes:
    """All bytes of a regular file; raises as `open_file`."""
    with open_file(path, most=most) as file:
        return file.read()


def read_text(path, *, most: int | None = None) -> str:
    """The text of a regular file in UTF-8; raises as `open_file`, and ValueError."""
    return read_file(path, most=most).decode("utf-8")


def check_expansion(what, size: int, stored: int) -> None:
    """Raises UserError if a few bytes on the disk would become very many in memory."""
    if size > max(_SPARE, _MOST_EXPANSION * stored):
        raise UserError(
            f"{what} would be {size / _MEBIBYTE:,.0f} MiB in memory, of which "
            f"{stored / _MEBIBYTE:,.3g} MiB are there; expected a file without holes, compressed "
            f"{_MOST_EXPANSION} times at most"
        )
