"""What `python -m tfmeta` must forget: it puts the working directory first on the path."""

import os
import sys


def leave_working_folder() -> None:
    """What lies in the working directory is data, as it is for `tfmeta`."""
    is_safe = sys.flags.isolated or getattr(sys.flags, "safe_path", False)  # of Python 3.11
    if sys.path and sys.path[0] in ("", os.getcwd()) and not is_safe:
        del sys.path[0]
