"""Validation."""

from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState
from tfmeta.training.windows import Windows


class Validation(RunCallback):
    """Adds the learner's result on validation episodes to the logs, where a window asks for it.

    Args:
        state: of the run.
        validator: of the validation episodes.
        windows: which windows end with a validation; the last one does in any case.
    """

    def __init__(self, state: RunState, validator: Evaluator, windows: Windows):
        super().__init__(state)
        self._validator, self._windows = validator, windows

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure:
            return
        if self._windows.is_validated(self.state.step) or self.state.is_complete:
            kind = self.state.plan.learner.target_kind
            logs[kind.validation_metric] = self._validator.score()
