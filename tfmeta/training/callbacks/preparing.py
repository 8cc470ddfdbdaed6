"""What is computed before the first step."""

import hashlib

from tfmeta.training.callbacks.best_keeping import BestKeeping
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.progress import Progress
from tfmeta.training.run_state import RunState


class Preparing(RunCallback):
    """Sets the weights that follow in closed form from the training examples.

    It comes after the validation of the start, so that the learner without them can be the best.

    Args:
        state: of the run.
        keeping: of the best learner; None without validation.
        progress: is told what validation says of these weights.
    """

    def __init__(self, state: RunState, keeping: BestKeeping | None, progress: Progress):
        super().__init__(state)
        self._keeping, self._progress = keeping, progress

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.state.step or not self.model.prepare(self.state.plan.source):
            return
        if self.state.workers.number > 1:  # each has computed them by itself
            digest = hashlib.sha256()
            for variable in self.model.variables:
                digest.update(variable.numpy().tobytes())
            remedy = "Their processors compute otherwise; use machines of one kind, or --train all"
            self.state.workers.check_same("computed weights", digest.hexdigest(), remedy)
        if self._keeping:
            before = self._keeping.last
            self._keeping.look()
            name = self.state.plan.learner.target_kind.validation_metric
            self._progress.say(
                f"with the map that is computed from the training classes {name} is "
                f"{self._keeping.last:.4g}, without it {before:.4g}"
            )
