"""Kills a Python process at the n-th time that it changes something in a folder.

`environment(...)` is for `subprocess`: Python imports `sitecustomize` from the folder that it names
at its start, and that is this file. Nothing in the product knows of it.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

FOLDER, NUMBER, LOG = "KILL_POINTS_FOLDER", "KILL_POINTS_NUMBER", "KILL_POINTS_LOG"
_EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")


def environment(tmp_path, folder, number=0):
    """The variables; with `number` 0 nothing is killed, and `points` has what there is."""
    home = tmp_path / "kill_points"
    home.mkdir(exist_ok=True)
    shutil.copy(__file__, home / "sitecustomize.py")
    path = os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])
    log = tmp_path / "kill_points.log"
    log.unlink(missing_ok=True)
    return {"PYTHONPATH": path, FOLDER: str(folder), NUMBER: str(number), LOG: str(log)}


def points(tmp_path) -> list[str]:
    """What was changed, one a line, in its order: `os.rename .../config.json`."""
    return (tmp_path / "kill_points.log").read_text().splitlines()


def watch(folder, number, log):
    """From now on: kills at the change `number`, or writes each to the file `log`."""
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif event in _EVENTS:
            path = arguments[0]
        else:
            return
        if not isinstance(path, str | os.PathLike) or folder not in Path(path).absolute().parents:
            return
        if event in ("os.rename", "os.remove") and not os.path.lexists(path):
            return  # nothing changes
        seen += 1
        if number == 0:
            os.write(log, f"{event} {path}\n".encode())
        elif seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "sitecustomize" and FOLDER in os.environ:
    _log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    watch(Path(os.environ[FOLDER]), int(os.environ[NUMBER]), _log)
