"""The outer learning rate."""

import math
from collections.abc import Callable

from tfmeta.training.callbacks.run_callback import Logs, RunCallback

# Share of the outer rate, as a function of how much of the run is done, from 0 to 1.
_SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),  # Loshchilov, Hutter 2017, eq. 5
}


class LearningRate(RunCallback):
    """Sets the outer rate for each window of steps, and adds it to the logs.

    A constant rate is the optimizer's own, and stays in its checkpoints: a callback of the user's
    may change it between windows.
    """

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        plan = self.state.plan
        if schedule := _SCHEDULES.get(plan.outer_schedule):
            share = schedule(self.state.progress)
            self.model.optimizer.learning_rate.assign(plan.learner.outer_learning_rate * share)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs["learning_rate"] = self.learning_rate
