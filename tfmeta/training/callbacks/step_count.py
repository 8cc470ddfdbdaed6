"""Counting steps."""

from tfmeta.training.callbacks.run_callback import Logs, RunCallback


class StepCount(RunCallback):
    """Counts a run's steps, and notices at the end of a window whether it was the last.

    First among the callbacks, so that the others know the step.
    """

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._step_before = self.state.step

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        # Where several steps are one execution, Keras's number may be beyond a short window.
        self.state.step = self._step_before + min(batch + 1, self.params["steps"])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.state.look_at_clock()
