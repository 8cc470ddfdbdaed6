"""The end of a run."""

from collections.abc import Callable

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState


class Stopping(RunCallback):
    """Ends training after the window in which the run is complete, or somebody asks for its end.

    Of several workers, anybody at one of them.

    Args:
        state: of the run.
        should_stop: asked before the first window, and after every one.
    """

    def __init__(self, state: RunState, should_stop: Callable[[], bool]):
        super().__init__(state)
        self._should_stop = should_stop

    def ask(self) -> None:
        """Asks whether the run is to be interrupted. Every worker must call it."""
        state = self.state
        asked = not state.is_over and bool(self._should_stop())
        if state.workers.number > 1:
            said = state.workers.gathered([asked, state.stopped_by is not None])
            asked = bool(said[:, 0].any())
            if said[:, 1].any() and not state.stopped_by:
                state.stopped_by = "a callback of another worker"
        if not state.is_over:
            state.is_interrupted = asked

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.ask()
        if self.state.is_over:
            self.model.stop_training = True
