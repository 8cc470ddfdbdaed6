"""A profile of some steps, on request."""

import tensorflow as tf

from tfmeta import files
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState


class Profiling(RunCallback):
    """Profiles steps after the first execution, which compiles, for TensorBoard's Profile tab.

    Where several steps are one execution, whole executions are profiled.

    Args:
        state: of the run.
        steps: at least so many.
    """

    def __init__(self, state: RunState, steps: int):
        super().__init__(state)
        self._steps = steps
        self._first: int | None = None  # the steps before the profile
        self._is_compiled = self._is_running = False

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._is_compiled and self._first is None:
            with files.writing(self.state.run.tensorboard):
                tf.profiler.experimental.start(str(self.state.run.tensorboard))
            self._first, self._is_running = self.state.step, True

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._is_compiled = True
        if self._first is not None and self.state.step - self._first >= self._steps:
            self.close()

    def close(self) -> None:
        if self._is_running:
            self._is_running = False
            with files.writing(self.state.run.tensorboard):
                tf.profiler.experimental.stop()
