"""`tfmeta.train`: a run, from a pipeline's data.

Callbacks. A window of steps is an epoch to a callback: `log_every` steps, which are one line of
metrics.jsonl (by default 20, or 500 where the tasks of a batch are vectorised). Epochs are counted
from the run's first. At `on_epoch_end` the `logs` have `loss`, `accuracy` (`mse` for values) and
`learning_rate`. After a validation, which comes every `validate_every` steps and at the end, they
also have `validation_accuracy` (`validation_mse`), and the same under Keras's own name,
`val_accuracy` (`val_mse`). If one of Keras's callbacks monitors a value of the validation, it is
called after validations alone, so that its `patience` counts them:

    stop = keras.callbacks.EarlyStopping(monitor="validation_accuracy", patience=5)
    run = tfmeta.train("glyphs", callbacks=[stop], validate_every=100)

A run that a callback ends is finished. Its checkpoint is saved after the callbacks' `on_train_end`,
where EarlyStopping may put the best weights back. `resume` leaves such a run as it is, unless
`steps` or `max_minutes` is given anew. What a callback keeps for itself, such as a patience, begins
anew when a run goes on.

A callback may set the learning rate, at the beginning or the end of an epoch, if
`outer_schedule="constant"`. A callback that can't be honoured is refused by its name.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.exporting.verifying.verification import refuse_failed, verify_export
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.training import workers
from tfmeta.training.callback_checks import check_are_callbacks
from tfmeta.training.config_file import config_content
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.forecast import forecast
from tfmeta.training.loop import TrainingLoop
from tfmeta.training.plan import Plan
from tfmeta.training.progress import Progress
from tfmeta.training.trainer import Trainer
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path, progress_or_log
from tfmeta.workflows.train_request import TrainRequest

_STEPS_TIMED = 3  # by a dry run


@dataclass(frozen=True)
class Run:
    """A run that `train` has made or gone on with. It is taken wherever a run's path is.

    Attributes:
        path: its directory.
        step: outer-loop steps that it has behind it.
        finished: False if it was interrupted.
        tasks_per_second: data included, without the first window's compilation; 0 if not measured.
        stopped_by: the class of the callback that ended it before its last step, such as
            "EarlyStopping"; None if none did.
    """

    path: Path
    step: int
    finished: bool
    tasks_per_second: float
    stopped_by: str | None = None

    def __fspath__(self) -> str:
        return str(self.path)


def train(
    pipeline: str | None = None,
    *,
    run_dir: AnyPath | None = None,
    resume: bool = False,
    trust: bool = False,
    progress: Progress | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings: Any,
) -> Run:
    """Trains a learner on the episodes of a pipeline, as `tfmeta train` does.

    What callbacks see and may do is at the top of this file.

    Args:
        pipeline: name or `package.module:builder`; None with `resume`.
        run_dir: the new run's directory, or with `resume` that of the run to go on with;
            `runs/PIPELINE-ALGORITHM-TIME` for None.
        resume: go on with a run, exactly.
        trust: run code that a file names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        callbacks: Keras's or your own.
        **settings: any setting of `Settings`, under its name; `ways`, `shots` and `queries` may be
            `(least, most)`; `inner_steps`, `inner_lr` and `recompute` as on the command line. And
            `should_stop`, a function that is asked before the first window and after every one
            whether to interrupt the run.

    Returns:
        The run.

    Raises:
        UserError: if a setting makes no sense, the data is missing or doesn't fit, `run_dir`
            exists, or with `resume` doesn't, or a callback can't be honoured.
        NotFiniteError: at the first step whose loss, gradient or update is not finite.
    """
    should_stop = settings.pop("should_stop", _never)
    check_flags(trust=trust)
    with trusting(trust):
        place = None if run_dir is None else path("run_dir", run_dir)
        request = TrainRequest(_flat(pipeline, settings), place, resume)
        return carry_out(request, progress=progress, should_stop=should_stop, callbacks=callbacks)


def carry_out(
    request: TrainRequest,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Trains what was asked for; see `train`."""
    progress = progress_or_log(progress, "train")
    should_stop = _never if should_stop is None else should_stop
    if not callable(should_stop):
        raise UserError(f"received should_stop={should_stop!r}; expected a function")
    check_are_callbacks(callbacks)
    request.check_free()
    workers.start(request.strategy, request.started_with, say=progress.say)
    if request.resume:
        trainer = Trainer.resume(request.place, request.given, callbacks=callbacks)
    else:
        trainer = Trainer.start(request.settings, request.place, callbacks=callbacks)
    outcome = trainer.train(progress, should_stop=should_stop)
    return Run(
        request.place,
        outcome.step,
        outcome.finished,
        outcome.tasks_per_second,
        outcome.stopped_by,
    )


def configuration(request: TrainRequest) -> dict[str, Any]:
    """What config.json of the run would hold, `{"ways": 5, "learner.inner_steps": 1, ...}`.

    Raises:
        UserError: as `train`.
    """
    return config_content(Plan.make(request.settings).settings)


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Writes no bytecode, which TensorFlow leaves of the functions that it rewrites."""
    usual, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = usual


@_without_bytecode()
def dry_run(request: TrainRequest) -> tuple[float, list[str]]:
    """Builds everything, trains a few steps, exports and verifies, and keeps nothing of it.

    Returns:
        The seconds that it took, and lines that say how long the training itself would take.

    Raises:
        UserError: as `train`; or if the export fails a check.
    """
    started = time.monotonic()
    workers.start(request.strategy, request.started_with, say=lambda line: None)
    plan = Plan.make(request.settings)
    learner, loop = _after_a_step(plan)
    timed = time.monotonic()
    loop.run(1, (1, _STEPS_TIMED))
    seconds_per_step = (time.monotonic() - timed) / _STEPS_TIMED
    with files.temporary_folder() as folder:
        input_format = plan.source.input_format
        version = export_model(learner, folder / "dry-run", input_format=input_format)
        report = verify_export(version)
    refuse_failed(report, "dry run: the export failed")
    return time.monotonic() - started, forecast(seconds_per_step, plan.settings)


def one_step(plan: Plan) -> keras.Model:
    """The learner of a plan, after one step of training.

    Raises:
        UserError: as `train`.
    """
    return _after_a_step(plan)[0]


def _after_a_step(plan: Plan) -> tuple[keras.Model, TrainingLoop]:
    plan.check()
    learner = plan.build_learner()
    loop = plan.loop(learner)
    loop.run(0, (1, 1))
    return learner, loop


def _flat(pipeline: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    return as_flat({"pipeline": pipeline, **settings} if pipeline is not None else settings)


def _never() -> bool:
    return False
