"""Reports the progress of a run."""

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState


class ProgressReports(RunCallback):
    """Tells a Progress of each window.

    Args:
        state: of the run.
        timing: that has timed the window.
        progress: is told.
    """

    def __init__(self, state: RunState, timing: Timing, progress: Progress):
        super().__init__(state)
        self._timing, self._progress = timing, progress

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure is None:
            line = {"step": self.state.step, **logs}
            self._progress.window(line, self._timing.tasks_per_second, self.state.progress)
