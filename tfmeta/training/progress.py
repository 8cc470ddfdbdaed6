"""Reports the progress of work; by default to a log."""

import logging
import time
from collections.abc import Callable
from typing import Any

from tfmeta.errors import counted

_LOG_SECONDS = 10  # between lines
LOGGER = logging.getLogger("tfmeta")


class Progress:
    """Reports the progress of work to a log, `logging.getLogger("tfmeta")`.

    A subclass shows it elsewhere: in a notebook, in a service's own log, on a terminal.

    Args:
        label: what is running, such as "train".
    """

    _words: dict[str, str] = {}  # noqa: RUF012  # of numbers, see `call`

    def __init__(self, label: str):
        self._label = label
        self._last_line = 0.0

    def call(self, words: dict[str, str]) -> None:
        """Says how the numbers of a line are called to people, by their names."""
        self._words = words

    def window(self, line: dict[str, Any], tasks_per_second: float, progress: float) -> None:
        """Reports a line of metrics; `progress` is from 0 to 1."""
        state = "  ".join(
            f"{name} {value:,}" if name == "step" else f"{self._words.get(name, name)} {value:.4g}"
            for name, value in line.items()
            if name != "learning_rate"
        )
        if tasks_per_second:
            state += f"  {tasks_per_second:,.0f} tasks/s"
        self.advance(progress, state)

    def examples(self, done: int, total: int) -> None:
        """Reports how many examples a frozen network has made features of."""
        self.advance(done / total, f"features of {done:,} of {total:,} examples")

    def tasks(self, total: int) -> Callable[[int], None]:
        """A function that reports how many tasks of `total` are done."""
        return lambda done: self.advance(done / total, counted(done, "task"))

    def advance(self, progress: float, state: str) -> None:
        """Says how far the work is, if the last line is not recent."""
        if time.monotonic() - self._last_line > _LOG_SECONDS or progress >= 1:
            self._last_line = time.monotonic()
            self.say(f"{self._label}  {100 * progress:.0f}%  {state}")

    def say(self, message: str) -> None:
        """One line."""
        LOGGER.info("%s", message)

    def part(self, start: float, share: float, what: str = "") -> "Progress":
        """The progress of a part of the work.

        Args:
            start: how far the whole is when the part begins, from 0 to 1.
            share: of the whole.
            what: the part is, in words before its state.
        """
        return _Part(self, start, share, what)


class _Part(Progress):
    """See `Progress.part`."""

    def __init__(self, whole: Progress, start: float, share: float, what: str):
        super().__init__("part")
        self._whole, self._start, self._share, self._what = whole, start, share, what

    def advance(self, progress: float, state: str) -> None:
        state = ", ".join(words for words in (self._what, state) if words)
        self._whole.advance(self._start + self._share * progress, state)

    def say(self, message: str) -> None:
        self._whole.say(message)


class Quiet(Progress):
    """Reports nothing, where another process reports the same."""

    def window(self, line: dict[str, Any], tasks_per_second: float, progress: float) -> None:
        pass

    def advance(self, progress: float, state: str) -> None:
        pass

    def say(self, message: str) -> None:
        pass
