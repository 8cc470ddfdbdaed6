"""What a user sees of an unforeseen error: one line, which says where the traceback is."""

import os
import platform
import sys
import tempfile
import traceback
from typing import Any

import tfmeta
from tfmeta.errors import described

RAISE = "TFMETA_RAISE"  # set by tests and developers, so that such errors are raised unchanged


def is_spread() -> bool:
    """Whether unforeseen errors are caught."""
    return not os.environ.get(RAISE)


def told(error: Exception) -> str:
    """The line for an unforeseen error; its traceback is written to a file."""
    where = _written(error)
    if _is_of_memory(error):
        return (
            f"there is not enough memory for this ({described(error)}); ask for less at a time, or "
            f"use a larger machine. Where it happened is in {where}"
        )
    return (
        f"this is a fault of tfmeta, not yours ({described(error)}). The full story is in {where}; "
        "please report it with that file, as an issue of tfmeta"
    )


def _is_of_memory(error: BaseException) -> bool:
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    return isinstance(error, (MemoryError, *([errors.ResourceExhaustedError] if errors else [])))


def _written(error: BaseException) -> Any:
    story = "".join(traceback.format_exception(error))
    try:
        # Nobody else may read it, because it names the user's files.
        number, path = tempfile.mkstemp(prefix="tfmeta-fault-", suffix=".txt")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(
                f"tfmeta {tfmeta.__version__}, Python {platform.python_version()}, "
                f"{platform.platform()}\n{sys.argv!r}\n\n{story}"
            )
    except OSError as failure:
        return f"no file, for none can be written ({failure.strerror}); {RAISE}=1 shows it"
    return path
