"""One writer at a time, by a lock that dies with its process."""

import contextlib
import errno
import fcntl
import functools
import logging
import os
import shlex
import socket
import stat
import sys
import time
import weakref
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.terminal import plain
from tfmeta.user_files import AnyPath

_POLL_SECONDS = 0.05
_MOST_BYTES = 1200  # of the text about the holder


class LockedError(UserError):
    """Another process holds the lock."""


class FileLock:
    """Holds a lock until it is released or its process ends in any way; a context manager.

    The lock is the kernel's (`flock`), and not the file itself. So a file that a killed process has
    left locks nobody out, and two containers with the same process numbers don't confuse their
    locks. The file says who holds the lock, for the messages of others, and is removed when the
    lock is released.

    If the file system has no locks, one line says so, and the work goes on without a lock.

    Args:
        path: of the lock's file, which is created.
        what: what is locked, for messages.
        wait: seconds to wait until another process releases it.

    Raises:
        LockedError: if another process holds the lock; the message names it.
        UserError: if something else is at `path`.
        OSError: if no file can be created there.
    """

    def __init__(self, path: AnyPath, what: object, *, wait: float = 0):
        self._path, self._what = Path(path), what
        end = time.monotonic() + wait
        while (file := self._taken()) is None:
            if time.monotonic() >= end:
                raise LockedError(
                    f"{what} is in use by {self._holder()}; expected one writer at a time. Wait "
                    "for it to end, or end it",
                    exit_status=1,
                )
            time.sleep(_POLL_SECONDS)
        self._release = weakref.finalize(self, _release, self._path, file)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, without a name
            os.ftruncate(file, 0)
            os.pwrite(file, _own_name().encode(), 0)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Releases the lock; may be called twice."""
        self._release()

    def _taken(self) -> Any:
        """The open and locked file; None if another process has it."""
        while True:
            file = self._opened()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return None
            except OSError as error:
                _say_unlocked(self._what, error.strerror)
            if self._is_at_path(os.fstat(file)):
                return file
            os.close(file)  # its holder removed the file while it was opened here

    def _opened(self) -> Any:
        # No link is followed: a stranger's link could lead to any file, which would be overwritten.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            file = os.open(self._path, flags, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise self._no_lock() from error
            raise
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(file)
            raise self._no_lock()
        return file

    def _is_at_path(self, found: Any) -> bool:
        """Whether the locked file is still the file that others would open."""
        try:
            there = os.lstat(self._path)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino)

    def _no_lock(self) -> UserError:
        return UserError(f"{self._path} is no lock of tfmeta's; delete it", exit_status=1)

    def _holder(self) -> Any:
        try:
            with open(self._path, "rb") as file:
                name = file.read(_MOST_BYTES).decode(errors="replace").strip()
        except OSError:
            name = ""
        return plain(name) or "another process"


def is_held(path: AnyPath) -> bool:
    """Whether a process holds the lock at `path` now. Creates and changes no file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # there is none, or nobody's
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(file)
    return False


def _release(path: Path, file: Any) -> None:
    with contextlib.suppress(OSError):
        path.unlink()  # while the lock is still held; later the file may be another process's
    os.close(file)


def _own_name() -> Any:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    name = f"process {os.getpid()} on {socket.gethostname()} since {since}: {command}"
    most = _MOST_BYTES // 4  # characters; each takes four bytes at most
    return name if len(name) <= most else f"{name[:most]}..."


@functools.cache  # once is enough
def _say_unlocked(what: object, reason: str) -> None:
    logging.getLogger("tfmeta").warning(
        "%s can't be locked, because its file system has no locks (%s); see to it that no other "
        "process writes to it",
        what,
        reason,
    )
