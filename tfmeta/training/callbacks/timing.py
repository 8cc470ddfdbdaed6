"""How fast a run is."""

import time

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState


class Timing(RunCallback):
    """Times the windows of steps, data included.

    Attributes:
        window_rate: tasks per second in the newest window.
        tasks_per_second: in all windows but the process's first, which compiles; 0 without others.
    """

    def __init__(self, state: RunState):
        super().__init__(state)
        self.window_rate = self.tasks_per_second = 0.0
        self._tasks, self._seconds = 0, 0.0
        self._is_compiled = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._step_before, self._started = self.state.step, time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        seconds = time.monotonic() - self._started
        tasks = (self.state.step - self._step_before) * self.state.plan.meta_batch
        self.window_rate = tasks / seconds
        if self._is_compiled:
            self._tasks += tasks
            self._seconds += seconds
            self.tasks_per_second = self._tasks / self._seconds
        self._is_compiled = True
