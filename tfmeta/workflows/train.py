"""`tfmeta.train`: a run, from a pipeline's data."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfmeta import files
from tfmeta.errors import UserError
from tfmeta.exporting.verifying.verification import verify_export
from tfmeta.exporting.writing.exporter import export_learner
from tfmeta.named_code import trusting
from tfmeta.training.building import open_source, resolve
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings, as_flat
from tfmeta.training.trainer import Trainer, dry_run_step
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, path, progress_or_log


@dataclass(frozen=True)
class Run:
    """A run that `train` has made or gone on with; a path, wherever one is asked for.

    Attributes:
        path: its directory.
        step: outer-loop steps that it has behind it.
        finished: False if it was interrupted.
        tasks_per_second: data included, without the first window's compilation; 0 if not measured.
    """

    path: Path
    step: int
    finished: bool
    tasks_per_second: float

    def __fspath__(self) -> str:
        return str(self.path)


def train(
    pipeline: str | None = None,
    *,
    run_dir: AnyPath | None = None,
    resume: bool = False,
    trust: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Run:
    """Trains a learner on the episodes of a pipeline, as `tfmeta train` does.

    Args:
        pipeline: name or `package.module:builder`; None with `resume`.
        run_dir: the new run's directory, or with `resume` that of the run to go on with;
            `runs/PIPELINE-ALGORITHM-TIME` for None.
        resume: go on with a run, exactly.
        trust: run code that a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        should_stop: asked after every window of steps.
        **settings: any setting of `Settings`, under its name; `ways`, `shots` and `queries` may be
            `(least, most)`; `inner_steps` and `inner_lr` as on the command line.

    Returns:
        The run.

    Raises:
        UserError: if a setting makes no sense, the data is missing or doesn't fit, or `run_dir`
            exists, or with `resume` doesn't.
        NotFiniteError: at the first step whose loss, gradient or update is not finite.
    """
    flat = _flat(pipeline, settings)
    check_flags(resume=resume, trust=trust)
    progress = progress_or_log(progress, "train")
    if not callable(should_stop):
        raise UserError(f"received should_stop={should_stop!r}; expected a function")
    run_dir = None if run_dir is None else path("run_dir", run_dir)
    with trusting(trust):
        if resume:
            if run_dir is None:
                raise UserError("resume=True needs run_dir, the run to go on with")
            trainer = Trainer.resume(run_dir, flat)
        else:
            plan = Settings().updated(flat)
            run_dir = run_dir or plan.default_run_dir()
            RunDirectory.check_free(run_dir)
            trainer = Trainer.start(plan, run_dir)
        outcome = trainer.train(progress, should_stop=should_stop)
    return Run(run_dir, outcome.step, outcome.finished, outcome.tasks_per_second)


def configuration(
    pipeline: str | None = None, *, trust: bool = False, **settings: Any
) -> dict[str, Any]:
    """The settings that `train` would use, `{"ways": 5, "learner.inner_steps": 1, ...}`.

    Raises:
        UserError: as `train`.
    """
    with trusting(trust):
        plan = Settings().updated(_flat(pipeline, settings))
        return resolve(plan, open_source(plan)).to_flat()


def dry_run(pipeline: str | None = None, *, trust: bool = False, **settings: Any) -> float:
    """Builds everything, trains one step, exports and verifies, and keeps nothing of it.

    Returns:
        The seconds that it took.

    Raises:
        UserError: as `train`; or if the export fails a check.
    """
    started = time.monotonic()
    with trusting(trust):
        learner, source = dry_run_step(Settings().updated(_flat(pipeline, settings)))
        with files.temporary_folder() as folder:
            version = export_learner(
                learner,
                folder / "dry-run",
                is_regression=source.is_regression,
                image_format=source.image_format,
            )
            report = verify_export(version)
    failed = [check for check in report["checks"] if not check["ok"]]
    if failed:
        raise UserError(
            f"dry run: the export failed its check {failed[0]['check']}: {failed[0]['detail']}",
            exit_status=1,
        )
    return time.monotonic() - started


def _flat(pipeline: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    return as_flat({"pipeline": pipeline, **settings} if pipeline is not None else settings)
