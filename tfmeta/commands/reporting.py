"""Progress for people: a bar on a terminal, plain lines in a log. Always on standard error.

Work goes on when nobody can read its progress any more: when the reader of a pipe has ended, a
terminal was closed, or the disk of a log is full.
"""

import contextlib
import os
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tfmeta.terminal import plain
from tfmeta.training.progress import Progress


class _IgnoringStream:
    """A text stream that ignores what is written once the stream can't take it any more."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        return self._tried(lambda: self._stream.write(text), len(text))

    def flush(self) -> None:
        self._tried(self._stream.flush, None)

    def _tried(self, function: Any, otherwise: Any) -> Any:
        try:
            return function()
        except RuntimeError:  # a signal's handler wrote during a write
            return otherwise
        except (OSError, ValueError):
            # The buffer, other writers and Python at its exit then write to the null device.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            return otherwise


class Reporter(Progress):
    """Shows the progress of a run; a context manager.

    Args:
        label: name of what is running.
        console: where to show it; standard error by default.
    """

    def __init__(self, label: str, console: Console | None = None):
        stream: Any = _IgnoringStream(sys.stderr)
        super().__init__(label)
        self._console = console or Console(file=stream, highlight=False, emoji=False)
        self._bar: Bar | None = None

    def __enter__(self) -> "Reporter":
        if self._console.is_terminal:
            self._bar = Bar(
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

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, progress: float, state: str) -> None:
        """Moves the bar, or prints a line if the last one is more than some seconds old."""
        if self._bar:
            self._bar.update(self._task, completed=progress, state=plain(state))
        else:
            super().advance(progress, state)

    def say(self, message: str) -> None:
        """Prints one plain line."""
        self._console.print(plain(message), soft_wrap=True, markup=False)
