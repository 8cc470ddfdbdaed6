"""Checkpoints."""

import time

from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState


class CheckpointSaving(RunCallback):
    """Saves the learner every `checkpoint_seconds`, and when the run ends.

    Last among the callbacks. A finished run is saved after the user's callbacks have ended, because
    one may put other weights back, as EarlyStopping does. One that is interrupted is saved before
    they end, so that it goes on exactly.
    """

    def __init__(self, state: RunState):
        super().__init__(state)
        self._saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        is_due = time.monotonic() - self._saved > self.state.plan.settings.checkpoint_seconds
        if self.state.is_interrupted or (is_due and not self.state.is_over):
            self._save()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.state.is_over and not self.state.is_interrupted:
            self._save()

    def _save(self) -> None:
        state = self.state
        state.run.save_checkpoint(
            self.model, state.step, minutes=state.minutes, stopped_by=state.stopped_by
        )
        self._saved = time.monotonic()
