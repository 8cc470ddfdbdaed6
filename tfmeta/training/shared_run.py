"""What the workers of a run have in common: their data, and the run's directory."""

import time
from typing import Any

from tfmeta.episodes.episode_hash import EpisodeHash
from tfmeta.errors import UserError
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.workers import Workers
from tfmeta.user_files import AnyPath

_SECONDS = 30.0  # until a network's file system shows what another machine has written
_POLL_SECONDS = 0.5
_OF_ITS_START = ("environment.json", "source.json", "splits.json")  # never written again


def check_same_data(workers: Workers, plan: Plan) -> None:
    """Raises UserError if the workers' data differ: their names, their numbers, the first episodes.

    Args:
        workers: of the run.
        plan: of this worker.
    """
    if workers.number == 1:
        return
    settings = {**plan.settings.to_flat(), "data_dir": None, "strategy": None}
    workers.check_same("settings", settings, "Start every worker with the same settings")
    source, digest = plan.source, EpisodeHash()
    for split, shape in plan.shapes.items():
        for episodes in source.episodes(split, shape, num_tasks=1).take(1):
            digest.update(episodes)
    content = [source.facts.to_dict(), source.recorded_splits(), digest.hexdigest()]
    workers.check_same("data", content, "Give every worker the same files: --data-dir")


def opened(workers: Workers, run_dir: AnyPath) -> RunDirectory:
    """The run that the chief has made or goes on with, as this worker sees it.

    Raises:
        UserError: if this worker doesn't see it, because the directory is not shared.
    """
    end = time.monotonic() + (0 if workers.is_chief else _SECONDS)
    while True:
        try:
            return RunDirectory.open(run_dir)
        except UserError as error:
            if workers.is_chief:
                raise
            if time.monotonic() > end:
                raise UserError(
                    f"this worker does not see the run that worker 0 trains: {error}. Expected "
                    "--run-dir in a folder that every worker sees, on a shared file system",
                    exit_status=1,
                ) from error
            time.sleep(_POLL_SECONDS)


def check_same_run(workers: Workers, run: RunDirectory, step: int) -> None:
    """Raises UserError if the workers have different runs at the same path.

    Args:
        workers: of the run.
        run: as this worker sees it.
        step: of the checkpoint that this worker has loaded.
    """
    files = [run.path / name for name in _OF_ITS_START]
    content: list[Any] = [step, *(file.read_text() for file in files if file.exists())]
    remedy = f"{run.path} must be in a folder that every worker sees, on a shared file system"
    workers.check_same("runs", content, remedy)
