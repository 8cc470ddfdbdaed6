"""The end of a run."""

from collections.abc import Callable

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState


class Stopping(RunCallback):
    """Ends training after the window in which the run is complete, or somebody asks for its end.

    Args:
        state: of the run.
        should_stop: asked after every window.
    """

    def __init__(self, state: RunState, should_stop: Callable[[], bool]):
        super().__init__(state)
        self._should_stop = should_stop

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.state.is_over:
            self.state.is_interrupted = bool(self._should_stop())
        if self.state.is_over:
            self.model.stop_training = True
