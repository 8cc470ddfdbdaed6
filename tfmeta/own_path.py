"""Removes the working folder, which `python -m tfmeta` puts first, from the path."""

import os
import sys


def leave_working_folder() -> None:
    """Under `python -m tfmeta`, treats the working folder as data, as the command `tfmeta` does."""
    words = getattr(sys, "orig_argv", [])
    is_located = sys.argv[:1] == ["-m"] and "-m" in words  # Python is still looking for the module
    if not is_located or words[words.index("-m") + 1].partition(".")[0] != "tfmeta":
        return
    is_safe = sys.flags.isolated or getattr(sys.flags, "safe_path", False)  # since Python 3.11
    if sys.path and sys.path[0] in ("", os.getcwd()) and not is_safe:
        del sys.path[0]
