"""The state of a run while it trains; its callbacks share it."""

import time

from tfmeta.errors import NotFiniteError
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.workers import ALONE, Workers


class RunState:
    """How far a run is, and why it ends; one per process that trains it.

    Args:
        plan: of the run.
        run: its directory.
        step: number of outer-loop steps that it has taken before.
        stopped_by: the user's callback that ended it before; None to train.
        workers: that train it; their states agree at the end of each window.

    Attributes:
        plan, run, workers: as given.
        step: number of outer-loop steps that it has taken by now.
        failure: at the first step that is not finite; its step is counted from the run's first.
        stopped_by: name of the user's callback that asked for the end.
        is_interrupted: whether somebody asked for an end from which the run can go on.
        is_complete: whether the last step or the end of the time is reached.
    """

    def __init__(
        self,
        plan: Plan,
        run: RunDirectory,
        step: int,
        stopped_by: str | None = None,
        *,
        workers: Workers = ALONE,
    ):
        self.plan, self.run, self.step, self.workers = plan, run, step, workers
        self.failure: NotFiniteError | None = None
        self.stopped_by = stopped_by
        self.is_interrupted = False
        self._minutes_before, self._started = run.minutes, time.monotonic()
        self.look_at_clock()

    @property
    def minutes(self) -> float:
        """Training time in all; of several workers the chief's, as of the window's end."""
        return self._own_minutes if self.workers.number == 1 else self._agreed_minutes

    @property
    def progress(self) -> float:
        """How much of the run is done, from 0 to 1."""
        steps, most_minutes = self.plan.settings.steps, self.plan.settings.max_minutes
        if steps:
            return self.step / steps
        return min(1.0, self.minutes / most_minutes) if most_minutes else 0.0

    @property
    def _own_minutes(self) -> float:
        return self._minutes_before + (time.monotonic() - self._started) / 60

    def look_at_clock(self) -> None:
        """Sets `is_complete`; once per window, so that everything there is told the same."""
        if self.workers.number > 1:
            self._agreed_minutes = float(self.workers.gathered([self._own_minutes])[0, 0])
        steps, most_minutes = self.plan.settings.steps, self.plan.settings.max_minutes
        has_all_steps = steps is not None and self.step >= steps
        has_no_time = most_minutes is not None and self.minutes >= most_minutes
        self.is_complete = has_all_steps or has_no_time

    @property
    def is_finished(self) -> bool:
        """Whether it ended as intended, by its plan or by a callback of the user."""
        return self.is_complete or self.stopped_by is not None

    @property
    def is_over(self) -> bool:
        """Whether this process stops training it."""
        return self.is_finished or self.is_interrupted or self.failure is not None
