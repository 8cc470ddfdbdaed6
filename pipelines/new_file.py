"""Where a command may write its `--output`. Imports no TensorFlow: it is asked before the wait."""

from pathlib import Path

from tfmeta.errors import UserError


def check_free(path) -> None:
    """Raises UserError if no new file can be made at `path`."""
    path = Path(path)
    if path.exists():
        raise UserError(
            f"{path} exists and is never overwritten; choose another --output, or delete it"
        )
    if not path.parent.is_dir():
        raise UserError(f"received --output {path}, but there is no folder {path.parent}; make it")
