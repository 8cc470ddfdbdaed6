"""The lines of metrics that a run writes while it trains."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfmeta import files, strict_json
from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath, read_file

_MOST_BYTES = 256 * 2**20


class MetricsFile:
    """`metrics.jsonl`: one JSON object per line, each with the `step` after which it was written.

    It is the only file of a run that grows. A kill can cut its last line short; any other line that
    can't be read means that the file is damaged.

    Args:
        path: of the file, which may not exist yet.
    """

    def __init__(self, path: AnyPath):
        self.path = Path(path)

    def append(self, line: dict[str, Any]) -> None:
        """Adds a line."""
        files.append_text(self.path, strict_json.dumps(line) + "\n")

    def sync(self) -> None:
        """Makes sure that the appended lines are on the disk."""
        if self.path.exists():
            with files.writing(self.path):
                files.sync(self.path)

    def read(self) -> Iterator[dict[str, Any]]:
        """Yields its lines, without a last one that was cut short.

        Raises:
            UserError: if a line is damaged.
        """
        for number, line in self._lines():
            yield self._parsed(number, line)

    def until(self, step: int) -> bytes:
        """The content without the lines that were written after `step`.

        Raises:
            UserError: if a line is damaged that may have been written before.
        """
        kept, last = bytearray(), 0
        for number, line in self._lines():
            try:
                at = self._parsed(number, line)["step"]
            except UserError:
                if last < step:
                    raise
                break  # a line of `step` was on the disk before its checkpoint; this one is later
            if at <= step:
                kept += line
                last = at
        return bytes(kept)

    def cut_to(self, content: bytes) -> None:
        """Replaces the content with what `until` returned."""
        if self.path.exists() and len(content) != self.path.stat().st_size:
            with files.whole(self.path) as partial:
                partial.write_bytes(content)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yields numbers from 1, and whole lines with their ends."""
        if not self.path.exists():
            return
        try:
            content = io.BytesIO(read_file(self.path, most=_MOST_BYTES))
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        for number, line in enumerate(content, 1):
            if line.endswith(b"\n"):
                yield number, line

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            content = strict_json.loads(line)
            if isinstance(content["step"], int):
                return content
        except (ValueError, TypeError, KeyError):
            pass
        raise self._damaged(f"line {number} is not a step's metrics")

    def _damaged(self, problem: str) -> UserError:
        return UserError(
            f"{self.path} is damaged: {problem}. Nothing was changed. Mend the line or delete it, "
            "or move the file away to go on without the metrics until now",
            exit_status=1,
        )
