"""Reports the progress of work; by default to a log."""

import logging
import time
from typing import Any

_LOG_SECONDS = 10  # between lines
LOGGER = logging.getLogger("tfmeta")


class Progress:
    """Reports the progress of work to a log, `logging.getLogger("tfmeta")`.

    A subclass shows it elsewhere: in a notebook, in a service's own log, on a terminal.

    Args:
        label: what is running, such as "train".
    """

    def __init__(self, label: str):
        self._label = label
        self._last_line = 0.0

    def window(self, line: dict[str, Any], tasks_per_second: float, progress: float) -> None:
        """Reports a line of metrics; `progress` is from 0 to 1."""
        state = "  ".join(
            f"{name} {value:,}" if name == "step" else f"{name} {value:.4g}"
            for name, value in line.items()
            if name != "learning_rate"
        )
        if tasks_per_second:
            state += f"  {tasks_per_second:,.0f} tasks/s"
        self.advance(progress, state)

    def examples(self, done: int, total: int) -> None:
        """Reports how many examples a frozen network has made features of."""
        self.advance(done / total, f"features of {done:,} of {total:,} examples")

    def advance(self, progress: float, state: str) -> None:
        """Says how far the work is, if the last line is not recent."""
        if time.monotonic() - self._last_line > _LOG_SECONDS or progress >= 1:
            self._last_line = time.monotonic()
            self.say(f"{self._label}  {100 * progress:.0f}%  {state}")

    def say(self, message: str) -> None:
        """One line."""
        LOGGER.info("%s", message)


class Quiet(Progress):
    """Reports nothing, where another process reports the same."""

    def window(self, line: dict[str, Any], tasks_per_second: float, progress: float) -> None:
        pass

    def advance(self, progress: float, state: str) -> None:
        pass

    def say(self, message: str) -> None:
        pass
