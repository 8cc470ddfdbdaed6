"""The best checkpoint by validation."""

from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState


class BestKeeping(RunCallback):
    """Keeps the learner with the best validation, which the start may be.

    It comes right after the validation, so that no callback has changed the weights since.

    Args:
        state: of the run.
        validator: of the validation episodes.

    Attributes:
        last: the newest score; None before the first.
    """

    def __init__(self, state: RunState, validator: Evaluator):
        super().__init__(state)
        self._validator = validator
        self.last: float | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.state.step == 0:
            self.look()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        name = self.state.plan.learner.target_kind.validation_metric
        if logs and name in logs:
            self._offer(logs[name])

    def look(self) -> None:
        """Validates the learner as it is, and keeps it if it is the best."""
        self._offer(self._validator.score())

    def _offer(self, score: float) -> None:
        state, self.last = self.state, score
        if not state.workers.is_chief:
            return
        best = state.run.best
        if best is None or state.plan.learner.target_kind.is_better(score, best[1]):
            state.run.save_best(self.model, state.step, score=score)


class BestReport(RunCallback):
    """Says at the end of a run which of its learners is the best one.

    It comes after the user's callbacks. One of them may put other weights in place at the end, such
    as an average; then these are validated too.

    Args:
        state: of the run.
        keeping: that has kept the best until then.
        progress: is told.
        has_callbacks: whether there are callbacks of the user's.
    """

    def __init__(
        self, state: RunState, keeping: BestKeeping, progress: Progress, *, has_callbacks: bool
    ):
        super().__init__(state)
        self._keeping, self._progress = keeping, progress
        self._has_callbacks = has_callbacks

    def on_train_end(self, logs: Logs = None) -> None:
        state, keeping = self.state, self._keeping
        if not state.is_finished or state.failure:
            return
        if self._has_callbacks:
            keeping.look()
        if keeping.last is None or (best := state.run.best) is None:
            return
        step, score = best
        name = state.plan.learner.target_kind.validation_metric
        if step == 0:
            self._progress.say(
                f"warning: training made the learner no better: {name} {score:.4g} at the start, "
                f"{keeping.last:.4g} at step {state.step:,}. The start is kept and used"
            )
        elif step < state.step:
            self._progress.say(
                f"the best by validation is step {step:,} ({name} {score:.4g}; {keeping.last:.4g} "
                f"at step {state.step:,}), which is used from now on"
            )
