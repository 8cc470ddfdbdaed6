"""How fast a run is."""

import time

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.loop import TrainingLoop
from tfmeta.training.run_state import RunState


class Timing(RunCallback):
    """Times the windows of steps, data included.

    Args:
        state: of the run.
        loop: that takes the steps, and measures how long each waits for its episodes.

    Attributes:
        window_rate: tasks per second in the newest window.
        tasks_per_second: in all windows but the process's first, which compiles; 0 without others.
        seconds_per_step: in the newest window.
        data_seconds_per_step: the part of it in which the step waited for its episodes.
    """

    def __init__(self, state: RunState, loop: TrainingLoop):
        super().__init__(state)
        self._loop = loop
        self.window_rate = self.tasks_per_second = 0.0
        self.seconds_per_step = self.data_seconds_per_step = 0.0
        self._tasks, self._seconds = 0, 0.0
        self._is_compiled = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._step_before, self._started = self.state.step, time.monotonic()
        self._waited = self._loop.seconds_waited

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        seconds = time.monotonic() - self._started
        steps = self.state.step - self._step_before
        tasks = steps * self.state.plan.meta_batch
        self.window_rate = tasks / seconds
        self.seconds_per_step = seconds / max(1, steps)
        self.data_seconds_per_step = (self._loop.seconds_waited - self._waited) / max(1, steps)
        if self._is_compiled:
            self._tasks += tasks
            self._seconds += seconds
            self.tasks_per_second = self._tasks / self._seconds
        self._is_compiled = True
