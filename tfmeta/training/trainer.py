"""Trains a run to its end, from its beginning or from where it stopped, with the same result."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfmeta.errors import NotFiniteError
from tfmeta.file_lock import FileLock
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training.callback_checks import check_callbacks
from tfmeta.training.callbacks import callbacks_of
from tfmeta.training.callbacks.run_callback import RunCallback
from tfmeta.training.callbacks.stopping import Stopping
from tfmeta.training.callbacks.timing import Timing
from tfmeta.training.loop import TrainingLoop
from tfmeta.training.plan import Plan
from tfmeta.training.progress import Progress, Quiet
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.run_state import RunState
from tfmeta.training.settings import BUDGET, Settings
from tfmeta.training.shared_run import check_same_data, check_same_run, opened
from tfmeta.training.workers import current
from tfmeta.user_files import AnyPath

Callbacks = Sequence[keras.callbacks.Callback]


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    Attributes:
        run: the run directory.
        step: the outer-loop steps that the run has now.
        finished: False if it was interrupted.
        tasks_per_second: data included, without the first window's compilation.
        stopped_by: the class of the callback that ended it before its last step; None if none did.
    """

    run: RunDirectory
    step: int
    finished: bool
    tasks_per_second: float
    stopped_by: str | None = None


class Trainer:
    """One run; see `start` and `resume`.

    Args:
        state: of the run.
        learner: compiled; with its optimizer's state if the run goes on.
        lock: of the run; released when training has ended. Of several workers the chief has it.
        callbacks: the user's own, as `callback_checks` lets them through.
    """

    def __init__(
        self, state: RunState, learner: MetaLearner, *, lock: FileLock | None, callbacks: Callbacks
    ):
        self._state, self._learner = state, learner
        self._lock, self._callbacks = lock, callbacks

    @classmethod
    def start(cls, settings: Settings, run_dir: AnyPath, *, callbacks: Callbacks = ()) -> "Trainer":
        """A new run; nothing is written before all that can be checked has been.

        Args:
            settings: as the user gave them.
            run_dir: where the run goes.
            callbacks: the user's own.

        Raises:
            UserError: if a setting makes no sense, the data is missing or doesn't fit, a callback
                can't be honoured, or `run_dir` exists.
        """
        workers = current()
        with workers.watched(run_dir):
            plan = workers.together(lambda: _checked(Plan.make(settings), callbacks))
            check_same_data(workers, plan)
            learner = plan.build_learner()
            workers.by_chief(lambda: _created(run_dir, plan))
            run = workers.together(lambda: opened(workers, run_dir))
            check_same_run(workers, run, 0)
            lock = run.locked() if workers.is_chief else None
            return cls(
                RunState(plan, run, 0, workers=workers), learner, lock=lock, callbacks=callbacks
            )

    @classmethod
    def resume(
        cls, run_dir: AnyPath, changes: dict[str, Any], *, callbacks: Callbacks = ()
    ) -> "Trainer":
        """A run that goes on, exactly.

        Args:
            run_dir: the run.
            changes: flat settings that may change while a run goes on.
            callbacks: the user's own. What they keep for themselves begins anew.

        Raises:
            UserError: if there is no such run, another process trains it, its checkpoint or its
                metrics are damaged, or `changes` hold a setting that can't change.
        """
        workers = current()
        with workers.watched(run_dir):
            run = workers.together(lambda: opened(workers, run_dir))
            lock = workers.by_chief(run.locked)
            try:
                return cls._resumed(run, changes, lock=lock, callbacks=callbacks)
            except BaseException:
                if lock:
                    lock.release()
                raise

    @classmethod
    def _resumed(
        cls,
        run: RunDirectory,
        changes: dict[str, Any],
        *,
        lock: FileLock | None,
        callbacks: Callbacks,
    ) -> "Trainer":
        workers = current()

        def planned() -> Plan:
            return _checked(Plan.of_run(run, run.settings.resumed_with(changes)), callbacks)

        plan = workers.together(planned)
        check_same_data(workers, plan)
        learner, step = plan.learner_of(run)
        check_same_run(workers, run, step)
        has_new_end = any(name in changes for name in BUDGET)
        stopped_by = None if has_new_end else run.stopped_by
        workers.by_chief(lambda: _brought_back(run, plan, step))
        state = RunState(plan, run, step, stopped_by, workers=workers)
        return cls(state, learner, lock=lock, callbacks=callbacks)

    def train(
        self, progress: Progress, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Outcome:
        """Trains until the last step, the end of the time, or until somebody stops it.

        Args:
            progress: is told how the run gets on.
            should_stop: asked before the first window of steps, and after every one.

        Raises:
            NotFiniteError: at the first step whose loss, gradient or update is not finite; the run
                then keeps the weights from before it.
            UserError: if the run can't be written, on a full disk for one; it then stays as it was
                at its last checkpoint.
        """
        state, run_dir = self._state, self._state.run.path
        progress = progress if state.workers.is_chief else Quiet("train")
        with self._lock or contextlib.nullcontext(), state.workers.watched(run_dir):
            loop = state.plan.loop(self._learner)
            callbacks = callbacks_of(
                state,
                self._learner,
                loop=loop,
                progress=progress,
                should_stop=should_stop,
                users=self._callbacks,
            )
            try:
                self._fit(loop, callbacks, progress)
            finally:
                for callback in callbacks:
                    callback.close()
            state.workers.wait_for_all()  # none has done its work before the chief has saved it
        if state.failure and not state.stopped_by:
            raise self._in_words(state.failure)
        (timing,) = (each for each in callbacks if isinstance(each, Timing))
        return Outcome(
            state.run, state.step, state.is_finished, timing.tasks_per_second, state.stopped_by
        )

    def _fit(
        self, loop: TrainingLoop, callbacks: Sequence[RunCallback], progress: Progress
    ) -> None:
        state, plan = self._state, self._state.plan
        for line in [*plan.source.left_out(plan.shapes), *plan.warnings()]:
            progress.say(line)
        if state.stopped_by:
            progress.say(
                f"{state.run.path} is finished: {state.stopped_by} ended it at step {state.step}. "
                "To go on, give it steps or max_minutes anew"
            )
        elif state.is_complete and state.step:
            progress.say(
                f"{state.run.path} is finished: it has {state.step:,} steps already. To go on, "
                "give it more steps or max_minutes"
            )
        if plan.settings.steps == 0 and state.workers.is_chief:
            state.run.save_checkpoint(self._learner, 0, minutes=0.0)  # nothing is trained
        for split in plan.shapes if not state.is_over else ():
            self._learner.embedded(plan.source, split, progress.examples)
        windows = plan.windows(self._learner)
        (stopping,) = (each for each in callbacks if isinstance(each, Stopping))
        stopping.ask()
        while not state.is_over:
            loop.run(state.step, windows.alike(state.step), callbacks)

    def _in_words(self, failure: NotFiniteError) -> NotFiniteError:
        """What a user is told of a step that was not finite."""
        step, tasks = failure.step, self._state.plan.meta_batch
        kept = f"the weights after step {step - 1} are kept" if step > 1 else "no weights are kept"
        return NotFiniteError(
            step,
            failure.what,
            f"{failure.reason} (episodes {(step - 1) * tasks} to {step * tasks - 1} of the train "
            f"split); {kept}. See what happened: tfmeta replay {self._state.run.path} --step "
            f"{step}",
        )


def _checked(plan: Plan, callbacks: Callbacks) -> Plan:
    plan.check()
    check_callbacks(callbacks, plan)
    return plan


def _created(run_dir: AnyPath, plan: Plan) -> RunDirectory:
    facts, splits = plan.source.facts.to_dict(), plan.source.recorded_splits()
    return RunDirectory.create(run_dir, plan.settings, facts, splits)


def _brought_back(run: RunDirectory, plan: Plan, step: int) -> None:
    """Brings a run to a step; all that may be wrong with it is looked for before it changes."""
    metrics = run.metrics.until(step)
    run.remove_leftovers()
    if plan.settings != run.settings:
        run.write_settings(plan.settings)
    run.metrics.cut_to(metrics)
