"""What `python -m tfmeta` must forget: it puts the working directory first on the path."""

import os
import sys


def leave_working_folder() -> None:
    """Under `python -m tfmeta...`: what lies in the working directory is data, as for `tfmeta`."""
    words = getattr(sys, "orig_argv", [])
    is_located = sys.argv[:1] == ["-m"] and "-m" in words  # Python looks for what `-m` names
    if not is_located or words[words.index("-m") + 1].partition(".")[0] != "tfmeta":
        return
    is_safe = sys.flags.isolated or getattr(sys.flags, "safe_path", False)  # of Python 3.11
    if sys.path and sys.path[0] in ("", os.getcwd()) and not is_safe:
        del sys.path[0]
