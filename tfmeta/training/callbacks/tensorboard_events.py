"""The numbers of each window that TensorBoard shows."""

from tfmeta.training.board.event_writer import EventWriter
from tfmeta.training.board.summaries import write_scalar
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.named_numbers import tag_of
from tfmeta.training.run_state import RunState


class TensorBoardEvents(RunCallback):
    """Writes a window's metrics and its speed.

    Args:
        state: of the run.
        timing: that has timed the window.
        events: of the run; this callback closes it.
    """

    def __init__(self, state: RunState, timing: Timing, events: EventWriter):
        super().__init__(state)
        self._timing, self._events = timing, events

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure:
            return
        with self._events.at(self.state.step):
            for name, value in logs.items():
                write_scalar(tag_of(name, self.state.plan), value)
            write_scalar("train/tasks_per_second", self._timing.window_rate)
            write_scalar("time/step_milliseconds", 1000 * self._timing.seconds_per_step)
            write_scalar("time/data_milliseconds", 1000 * self._timing.data_seconds_per_step)

    def close(self) -> None:
        self._events.close()
