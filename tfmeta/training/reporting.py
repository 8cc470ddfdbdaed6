"""Progress for people: a bar on a terminal, plain lines in a log. Always on standard error."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tfmeta.terminal import plain

_LOG_SECONDS = 10  # between plain lines


class Reporter:
    """Shows how a run gets on; a context manager.

    Args:
        label: what is running.
        console: where to; standard error by default.
    """

    def __init__(self, label: str, console: Console | None = None):
        self._console = console or Console(stderr=True, highlight=False, emoji=False)
        self._label = label
        self._bar = None
        self._last_line = 0.0

    def __enter__(self):
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%  {task.fields[state]}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._label, total=1.0, state="starting")
        return self

    def __exit__(self, *_):
        if self._bar:
            self._bar.stop()

    def window(self, line: dict, tasks_per_second: float, progress: float) -> None:
        """Reports a line of metrics; `progress` is from 0 to 1."""
        state = "  ".join(
            f"{name} {value:,}" if name == "step" else f"{name} {value:.4g}"
            for name, value in line.items()
            if name != "learning_rate"
        )
        if tasks_per_second:
            state += f"  {tasks_per_second:,.0f} tasks/s"
        self.advance(progress, state)

    def advance(self, progress: float, state: str) -> None:
        """Moves the bar, or prints a line if the last one is a while ago."""
        if self._bar:
            self._bar.update(self._task, completed=progress, state=plain(state))
        elif time.monotonic() - self._last_line > _LOG_SECONDS or progress >= 1:
            self._last_line = time.monotonic()
            self.say(f"{self._label}  {100 * progress:.0f}%  {state}")

    def say(self, message: str) -> None:
        """One plain line."""
        self._console.print(plain(message), soft_wrap=True, markup=False)
