"""The scalars that TensorBoard shows."""

import contextlib
from typing import Any

import tensorflow as tf

from tfmeta import files
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.run_state import RunState
from tfmeta.training.scalar_events import write_scalar


class TensorBoardEvents(RunCallback):
    """Writes a window's metrics, and its tasks per second, to the run's folder `tensorboard`.

    Args:
        state: of the run.
        timing: that has timed the window.
    """

    def __init__(self, state: RunState, timing: Timing):
        super().__init__(state)
        self._timing, self._folder = timing, state.run.tensorboard
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure:
            return
        with files.writing(self._folder):
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self._folder))
            with self._writer.as_default(step=self.state.step):
                for name, value in logs.items():
                    write_scalar(_tag(name), value)
                write_scalar("train/tasks_per_second", self._timing.window_rate)
            self._writer.flush()

    def close(self) -> None:
        # What a full disk kept from being written was told before.
        with contextlib.suppress(OSError, tf.errors.OpError):
            if self._writer is not None:
                self._writer.close()


def _tag(name: str) -> str:
    part, _, rest = name.partition("_")
    return f"validation/{rest}" if part == "validation" else f"train/{name}"
