"""Progress for people: a bar on a terminal, plain lines in a log. Always on standard error.

Work does not end because nobody reads of it any more: a pipe whose reader went away, a terminal
that was closed, a log on a full disk.
"""

import contextlib
import os
import sys

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tfmeta.terminal import plain
from tfmeta.training.progress import Progress


class _Listened:
    """A text stream, for as long as somebody takes what is written; then nothing is written."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        return self._tried(lambda: self._stream.write(text), len(text))

    def flush(self):
        self._tried(self._stream.flush, None)

    def _tried(self, function, otherwise):
        try:
            return function()
        except RuntimeError:  # a signal's handler writes amid a write
            return otherwise
        except (OSError, ValueError):
            # What is in the buffer, what others write there, and Python at its end, go nowhere.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            return otherwise


class Reporter(Progress):
    """Shows how a run gets on; a context manager.

    Args:
        label: what is running.
        console: where to; standard error by default.
    """

    def __init__(self, label: str, console: Console | None = None):
        listened = _Listened(sys.stderr)
        super().__init__(label)
        self._console = console or Console(file=listened, highlight=False, emoji=False)
        self._bar = None

    def __enter__(self):
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

    def __exit__(self, *_):
        if self._bar:
            self._bar.stop()

    def advance(self, progress: float, state: str) -> None:
        """Moves the bar, or prints a line if the last one is a while ago."""
        if self._bar:
            self._bar.update(self._task, completed=progress, state=plain(state))
        else:
            super().advance(progress, state)

    def say(self, message: str) -> None:
        """One plain line."""
        self._console.print(plain(message), soft_wrap=True, markup=False)
