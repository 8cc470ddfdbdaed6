"""The lines of metrics that a run writes while it trains."""

import io
from pathlib import Path

from tfmeta import files, strict_json
from tfmeta.errors import UserError
from tfmeta.user_files import read_file

_MOST_BYTES = 256 * 2**20


class MetricsFile:
    """`metrics.jsonl`: a JSON object a line, each with the `step` that it was written at.

    The one file of a run that grows. Only its last line can be cut short, by a kill; a line that
    can't be read and is no such one is damage.

    Args:
        path: of the file, which need not be there.
    """

    def __init__(self, path):
        self.path = Path(path)

    def append(self, line: dict) -> None:
        files.append_text(self.path, strict_json.dumps(line) + "\n")

    def sync(self) -> None:
        """Brings what was appended onto the disk."""
        if self.path.exists():
            with files.writing(self.path):
                files.sync(self.path)

    def read(self):
        """Yields its lines, but for one that was cut short.

        Raises:
            UserError: if a line is damaged.
        """
        for number, line in self._lines():
            yield self._parsed(number, line)

    def until(self, step: int) -> bytes:
        """What is left of it if everything that was written after `step` is cut off.

        Raises:
            UserError: if a line is damaged that may be from before.
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
        """Replaces it with what `until` returned."""
        if self.path.exists() and len(content) != self.path.stat().st_size:
            with files.whole(self.path) as partial:
                partial.write_bytes(content)

    def _lines(self):
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

    def _parsed(self, number, line):
        try:
            content = strict_json.loads(line)
            if isinstance(content["step"], int):
                return content
        except (ValueError, TypeError, KeyError):
            pass
        raise self._damaged(f"line {number} is no metrics of a step")

    def _damaged(self, problem):
        return UserError(
            f"{self.path} is damaged: {problem}. Nothing was changed; mend it or delete it there, "
            "or move the file away to go on without the metrics until now",
            exit_status=1,
        )
