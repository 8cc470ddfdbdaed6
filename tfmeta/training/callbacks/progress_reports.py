"""Reports the progress of a run."""

import time
from typing import Any

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.forecast import forecast, takes_long
from tfmeta.training.named_numbers import in_words
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState

_FIRST_STEPS, _FIRST_SECONDS = 3, 10.0  # after the compilation, what tells a run of hours


class ProgressReports(RunCallback):
    """Tells a Progress of each window, and once how long the run will take.

    A run of more than an hour is told of after its first steps, before a window has ended.

    Args:
        state: of the run.
        timing: that has timed the window.
        progress: is told.
    """

    def __init__(self, state: RunState, timing: Timing, progress: Progress):
        super().__init__(state)
        self._timing, self._progress = timing, progress
        self._has_forecast = False
        self._is_compiled = self._has_tried = False
        self._steps, self._seconds = 0, 0.0

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._step_before, self._started = self.state.step, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._is_compiled and not (self._has_forecast or self._has_tried):
            self._steps += self.state.step - self._step_before
            self._seconds += time.monotonic() - self._started
            self._has_tried = self._steps >= _FIRST_STEPS or self._seconds >= _FIRST_SECONDS
            if self._has_tried:
                self._say(self._seconds / self._steps, only_if_long=True)
        self._is_compiled = True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure is None:
            line = {"step": self.state.step, **logs}
            self._progress.call({name: in_words(name, self.state.plan) for name in logs})
            self._progress.window(line, self._timing.tasks_per_second, self.state.progress)
            self._say_how_long()

    def _say_how_long(self) -> None:
        """Once there is a window without the compilation, how long the rest will take."""
        rate = self._timing.tasks_per_second
        if rate and not self._has_forecast:
            self._say(self.state.plan.meta_batch / rate)

    def _say(self, seconds_per_step: float, *, only_if_long: bool = False) -> None:
        state, settings = self.state, self.state.plan.settings
        so_far: dict[str, Any] = {"step": state.step, "minutes": state.minutes}
        if only_if_long and not takes_long(seconds_per_step, settings, **so_far):
            return
        self._has_forecast = True
        for line in forecast(seconds_per_step, settings, **so_far):
            self._progress.say(line)
