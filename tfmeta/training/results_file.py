"""A file of a run's evaluations, or of its tests of robustness."""

from pathlib import Path
from typing import Any

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath

_SECONDS = 60  # to wait for others that add their results


class ResultsFile:
    """A list of what was found, the newest last, such as `results.json`. It has its own lock.

    Args:
        path: of the file, which may not exist yet.
    """

    def __init__(self, path: AnyPath):
        self.path = Path(path)

    def read(self) -> list[dict[str, Any]]:
        """The results; none if there is no file.

        Raises:
            UserError: if the file is damaged.
        """
        results = files.read_json(self.path) if self.path.exists() else []
        if isinstance(results, list) and all(isinstance(each, dict) for each in results):
            return results
        raise UserError(f"{self.path} is damaged: expected a list of objects", exit_status=1)

    def append(self, result: dict[str, Any]) -> None:
        """Adds a result after those of others.

        Raises:
            UserError: if it can't be written, or the file is damaged; it is then unchanged.
        """
        with files.locked(self.path, wait=_SECONDS):
            files.write_json(self.path, [*self.read(), result])
