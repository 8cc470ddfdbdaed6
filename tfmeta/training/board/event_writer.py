"""The file of a run that TensorBoard reads."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfmeta import files


class EventWriter:
    """Writes the events of a run; its file is made when something is first written.

    Args:
        folder: of the run's events.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._writer: Any = None

    @contextlib.contextmanager
    def at(self, step: int) -> Iterator[None]:
        """What is written in the body belongs to a step; it is in the file afterwards.

        Raises:
            UserError: if it can't be written.
        """
        with files.writing(self.folder):
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self.folder))
            with self._writer.as_default(step=step):
                yield
            self._writer.flush()

    def close(self) -> None:
        # What a full disk kept from being written was told before.
        with contextlib.suppress(OSError, tf.errors.OpError):
            if self._writer is not None:
                self._writer.close()
