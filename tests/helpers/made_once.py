"""What is made once in a session of tests, by the first worker that needs it."""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
from pathlib import Path

# conftest.py sets it in the process that starts the workers.
FOLDER = "TFMETA_TESTS_FOLDER"


@functools.cache
def folder() -> Path:
    """A folder of this worker's own, which is removed when the session ends."""
    path = _of_the_session() / os.environ.get("PYTEST_XDIST_WORKER", "alone")
    path.mkdir(exist_ok=True)
    return path


@functools.cache
def _of_the_session() -> Path:
    if FOLDER in os.environ:
        return Path(os.environ[FOLDER])
    path = Path(tempfile.mkdtemp(prefix="tfmeta-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def made_once(place: str):
    """Turns `make(path, *arguments)` into a function that returns the path when it is made.

    Tests only read what is there: other workers read it too.

    Args:
        place: below the session's folder; `{}` stands for an argument.
    """

    def decorate(make):
        failures = {}  # a worker does not try again what has failed, or been skipped

        @functools.cache
        @functools.wraps(make)
        def made(*arguments) -> Path:
            if arguments in failures:
                raise failures[arguments]
            path = _of_the_session() / "shared" / place.format(*arguments)
            done = path.with_name(f"{path.name}.made")
            path.parent.mkdir(parents=True, exist_ok=True)
            with alone(path.with_name(f"{path.name}.lock")):
                if not done.exists():
                    shutil.rmtree(path, ignore_errors=True)  # what a failure has left
                    try:
                        make(path, *arguments)
                    except BaseException as error:
                        failures[arguments] = error
                        raise
                    done.touch()
            return path

        return made

    return decorate


@contextlib.contextmanager
def alone(lock):
    """Waits until no other worker is inside."""
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
