"""Reports the progress of a run."""

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.forecast import forecast
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState


class ProgressReports(RunCallback):
    """Tells a Progress of each window, and once how long the run will take.

    Args:
        state: of the run.
        timing: that has timed the window.
        progress: is told.
    """

    def __init__(self, state: RunState, timing: Timing, progress: Progress):
        super().__init__(state)
        self._timing, self._progress = timing, progress
        self._has_forecast = False

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure is None:
            line = {"step": self.state.step, **logs}
            self._progress.window(line, self._timing.tasks_per_second, self.state.progress)
            self._say_how_long()

    def _say_how_long(self) -> None:
        """Once there is a window without the compilation, how long the rest will take."""
        state, rate = self.state, self._timing.tasks_per_second
        if self._has_forecast or not rate:
            return
        self._has_forecast = True
        for line in forecast(
            state.plan.meta_batch / rate,
            state.plan.settings,
            step=state.step,
            minutes=state.minutes,
        ):
            self._progress.say(line)
