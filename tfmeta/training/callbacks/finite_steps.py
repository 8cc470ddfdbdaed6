"""Ending at a step whose numbers are not finite."""

from tfmeta.errors import NotFiniteError
from tfmeta.training.callbacks.run_callback import Logs, RunCallback


class FiniteSteps(RunCallback):
    """Ends the run at the first step whose numbers are not finite.

    The learner is then as it was before that step (see `FiniteGuard`), and so it is kept.
    """

    def on_train_begin(self, logs: Logs = None) -> None:
        self._step_before = self.state.step  # the guard counts from the beginning of `fit`

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        failure = self.model.finite_guard.failure
        if failure is not None:
            step = self._step_before + failure.step
            self.state.failure = NotFiniteError(step, failure.what)
            self.state.step = step - 1
            self.model.stop_training = True
