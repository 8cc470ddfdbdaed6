"""How tfmeta writes: whole or not at all, one writer at a time, and a failure is one line.

    with locked(path):              # others are refused, or wait
        with whole(path) as partial:
            save(partial)           # a file or a folder; it is at `path` when the block has ended

A file or folder is always whole under its own name. It is written under another name beside it,
synchronised to the disk, and renamed; the rename is synchronised too. What a killed process leaves
has a name that begins with `.tfmeta-`. The next process that writes the same path removes it,
because it then holds the lock.

Imports no TensorFlow, so that a place can be checked before TensorFlow is loaded.
"""

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError
from tfmeta.file_lock import FileLock, LockedError
from tfmeta.user_files import AnyPath, read_file

OURS = ".tfmeta-"  # begins the names of temporary files and folders
_PARTIAL, _LOCK = f"{OURS}partial-", f"{OURS}lock-"
_OLDER = (".partial-*", "partial-*.keras")  # names of unfinished files in older versions
TEMPORARY_HINT = "Name another place for temporary folders by TMPDIR"
_MOST_BYTES = 16 * 2**20  # of a JSON file
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # errors of file systems that can't synchronise folders


def check_free(path: AnyPath) -> None:
    """Raises UserError if no new file can be made at `path`."""
    path = Path(path)
    if os.path.lexists(path):
        raise UserError(
            f"{path} exists and is never overwritten; choose another --output, or delete it"
        )
    if not path.parent.is_dir():
        raise UserError(f"received --output {path}, but there is no folder {path.parent}; make it")


@contextlib.contextmanager
def writing(path: AnyPath, hint: str = "") -> Iterator[Any]:
    """Turns the system's errors of writing into UserErrors of one line.

    Args:
        path: the path that is written, for the message.
        hint: how to correct it; empty if the reason is enough.
    """
    try:
        yield
    except _failures() as error:
        hint = f". {hint}" if hint else ""
        raise UserError(f"cannot write {path}: {_reason(error)}{hint}", exit_status=1) from error


def locked(path: AnyPath, *, wait: float = 0, what: AnyPath | None = None) -> FileLock:
    """The lock for writing `path`, which need not exist; a context manager.

    What a killed writer of `path` has left is removed.

    Args:
        path: a file or folder.
        wait: seconds to wait for another process that writes it.
        what: what messages call it; None is `path`.

    Raises:
        LockedError: if another process writes it.
        UserError: if nothing can be written there.
    """
    path, what = Path(path), what or path
    with writing(what):
        lock = FileLock(lock_of(path), what, wait=wait)
        _remove(_beside(path, _PARTIAL))
    return lock


def lock_of(path: AnyPath) -> Path:
    """The file of the lock for writing `path`."""
    return _beside(Path(path), _LOCK)


@contextlib.contextmanager
def whole(path: AnyPath, hint: str = "") -> Iterator[Any]:
    """Yields where to write a file or folder, which is at `path` after the end of the block.

    The caller must hold the lock of `path`, or of what it is part of.

    Args:
        path: where the file or folder is to be.
        hint: see `writing`.

    Raises:
        UserError: if it can't be written; what was at `path` is then unchanged.
    """
    with writing(path, hint), appearing(path, hint) as partial:
        yield partial


@contextlib.contextmanager
def appearing(path: AnyPath, hint: str = "") -> Iterator[Any]:
    """Like `whole`, for a block that also reads; its own errors are raised unchanged."""
    path = Path(path)
    partial = _beside(path, _PARTIAL)
    with writing(path, hint):
        _remove(partial)
    try:
        yield partial
        with writing(path, hint):
            _sync_all(partial)
            os.rename(partial, path)
            sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


@contextlib.contextmanager
def new_version(folder: AnyPath, suffix: str = "", hint: str = "") -> Iterator[Any]:
    """Yields `(partial, version)`: where to write, and the next free version, where it will be.

    Processes that do this at the same time get different numbers.

    Args:
        folder: of the versions; it is created if necessary.
        suffix: of the name; only versions with the same suffix count.
        hint: see `writing`.
    """
    folder = Path(folder)
    with writing(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        lock, version = _next_version(folder, suffix)
    with lock, whole(version, hint) as partial:
        clear(folder)
        yield partial, version


def _next_version(folder: Path, suffix: str) -> Any:
    number = 0
    while True:
        names = (path.name for path in folder.glob(f"*{suffix}"))
        stems = [name.removesuffix(suffix) for name in names]
        number = max([number, *(int(stem) for stem in stems if stem.isdecimal())]) + 1
        version = folder / f"{number}{suffix}"
        try:
            lock = FileLock(lock_of(version), version)
        except LockedError:  # another process has it; take the next number
            continue
        if not os.path.lexists(version):
            return lock, version
        lock.release()


def clear(folder: AnyPath) -> None:
    """Removes what killed writers left in a folder of tfmeta; what is locked stays."""
    folder = Path(folder)
    for path in [*folder.glob(f"{_PARTIAL}*"), *folder.glob(f"{_LOCK}*")]:
        name = path.name.removeprefix(_PARTIAL).removeprefix(_LOCK)
        with contextlib.suppress(LockedError), FileLock(folder / f"{_LOCK}{name}", path):
            _remove(folder / f"{_PARTIAL}{name}")
    for pattern in _OLDER:
        for path in folder.glob(pattern):
            _remove(path)


def check_writable(folder: AnyPath, hint: str = "") -> None:
    """Raises UserError if no file can be made in a folder; the folder is created if necessary."""
    folder = Path(folder)
    with writing(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


@contextlib.contextmanager
def without_leftovers(folder: AnyPath) -> Iterator[Any]:
    """If the block fails, removes the folder that it made and those above it, if empty."""
    folder = Path(folder).absolute()
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):  # it was not made, or another process writes into it
                path.rmdir()
        raise


@contextlib.contextmanager
def temporary_folder() -> Iterator[Any]:
    """A new folder that is removed at the end of the block."""
    with writing("a temporary folder", TEMPORARY_HINT):
        folder = tempfile.TemporaryDirectory()
    with folder as name:
        yield Path(name)


def write_json(path: AnyPath, content: Any) -> None:
    """As `whole`."""
    write_text(path, strict_json.dumps(content, indent=2) + "\n")


def write_text(path: AnyPath, text: str) -> None:
    """As `whole`."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def append_text(path: AnyPath, text: str) -> None:
    """Adds to the end of a file; a kill or a full disk may cut it short."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    opener = lambda name, _: os.open(name, flags, 0o666)  # noqa: E731
    with writing(path), open(path, "a", encoding="utf-8", opener=opener) as file:
        file.write(text)


def read_json(path: AnyPath, most: int = _MOST_BYTES) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: if the file is missing, damaged, not regular, or longer than `most` bytes.
    """
    try:
        return strict_json.loads(read_file(path, most=most))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged: {error}", exit_status=1) from error


def sync(path: AnyPath) -> None:
    """Synchronises a file, or the names in a folder, to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(file)


def _sync_all(path: Path) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            sync(os.path.join(folder, name))
        sync(folder)
    if not path.is_dir():
        sync(path)


def _beside(path: Path, prefix: str) -> Any:
    return path.with_name(f"{prefix}{path.name}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _failures() -> Any:
    """The exceptions of failed writing; those of TensorFlow only if it is loaded."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    return (OSError, errors.OpError) if errors else OSError


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    text = str(getattr(error, "message", None) or error)
    of_hdf5 = re.search(r"error message = '([^']+)'", text)
    return of_hdf5[1] if of_hdf5 else text.strip().partition("\n")[0].rpartition("; ")[2]
