"""Starts a module of tfmeta in a child process, whose Python ignores the working folder.

A stranger's export may hold an `ssl.py` or a `numpy.py`, and may be the user's working folder. So
the child has an empty working folder and the interpreter's own path (`python -I`). Only absolute
folders are added to the path, which the user has set permanently. The child ends with its parent,
or at its time limit.
"""

import json
import os
import signal
import site
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tfmeta
from tfmeta.errors import UserError

DEFAULT_TIMEOUT = 600.0  # seconds; the largest exports of the tests take a twentieth

# The pipe's other end closes when the parent ends, for whatever reason.
_START = """
import json, os, runpy, signal, site, sys, threading
lifeline, module, folders, user_folder, arguments = json.loads(sys.argv[1])
def watch():
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
if user_folder:
    site.addsitedir(user_folder)
sys.path += [folder for folder in folders if folder not in sys.path]
sys.argv = [module, *arguments]
runpy.run_module(module, run_name="__main__")
"""


class ChildDied(UserError):
    """A child did not finish its work; the message says how it ended."""

    def __init__(self, message: str):
        super().__init__(message, exit_status=1)


def run(module: str, *arguments: Any, given: str = "", timeout: float = DEFAULT_TIMEOUT) -> str:
    """What `python -m MODULE ARGUMENTS` wrote to its standard output.

    Args:
        module: a module of tfmeta with a `__main__` part.
        arguments: of its command line; paths must be absolute, because its working folder is
            another.
        given: text for its standard input.
        timeout: seconds after which it is ended.

    Raises:
        ChildDied: if the child ended with another status than 0, or took too long.
    """
    reading, writing = os.pipe()
    try:
        with tempfile.TemporaryDirectory(prefix="tfmeta-") as empty:
            what = [reading, module, _folders(), _user_folder(), [str(each) for each in arguments]]
            command = [sys.executable, "-I", "-c", _START, json.dumps(what)]
            done = subprocess.run(
                command,
                cwd=empty,
                pass_fds=[reading],
                input=given,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise ChildDied(
            f"it took longer than {timeout:g} seconds and was ended; give it more with --timeout"
        ) from error
    except OSError as error:
        raise ChildDied(f"no process can be started for it: {error}") from error
    finally:
        os.close(reading)
        os.close(writing)
    if done.returncode:
        raise ChildDied(_ending(done))
    return done.stdout


def _ending(done: Any) -> str:
    """How a process ended, and its last line of output."""
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    ending = f"ended with status {done.returncode}"
    if done.returncode < 0:
        try:
            name = signal.Signals(-done.returncode).name
        except ValueError:  # a real-time signal
            name = f"signal {-done.returncode}"
        ending = f"was ended by {name}"
    return f"the process that ran it {ending}: {last}"


def _folders() -> list[Any]:
    """Folders where the child looks last: the user's PYTHONPATH, and the one of this tfmeta."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if sys.flags.ignore_environment:
        given = []
    own = Path(tfmeta.__file__).absolute().parent.parent
    return [folder for folder in (*given, str(own)) if os.path.isabs(folder)]


def _user_folder() -> Any:
    """The folder of `pip install --user`, if this interpreter looks there."""
    return site.getusersitepackages() if site.ENABLE_USER_SITE else None
