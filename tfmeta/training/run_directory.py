"""A run on disk: its settings, its checkpoints, its metrics and its results."""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfmeta import files
from tfmeta.errors import UserError, counted, described
from tfmeta.file_lock import FileLock, is_held
from tfmeta.training.checkpoints import BEST, Checkpoints
from tfmeta.training.config_file import config_content, read_run_config
from tfmeta.training.environment import environment
from tfmeta.training.metrics_file import MetricsFile
from tfmeta.training.results_file import ResultsFile
from tfmeta.training.settings import Settings
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.episodes.source_facts import SourceFacts
    from tfmeta.learners.meta_learner import MetaLearner

_MARK = "config.json"  # of a run; it is written last, so that a folder with it is complete
_NEEDED = (_MARK, "source.json")
_START = ("environment.json", "source.json", "splits.json")  # before it


class RunDirectory:
    """The files of one run. Every file except metrics.jsonl is written whole or not at all.

    Reading changes nothing. A writer holds the lock `locked()`; the results have their own lock.

    Args:
        path: the directory; see `create` and `open`.

    Attributes:
        metrics: a MetricsFile.
        results: a ResultsFile, of evaluations.
        robustness: a ResultsFile, of tests of robustness.
    """

    def __init__(self, path: AnyPath):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self._kept = Checkpoints(self.checkpoints)
        self.tensorboard = self.path / "tensorboard"
        self.metrics = MetricsFile(self.path / "metrics.jsonl")
        self._progress = self.path / "progress.json"  # of an older version
        self._facts = self.path / "source.json"
        self._lock = self.path / "run"
        self.results = ResultsFile(self.path / "results.json")
        self.robustness = ResultsFile(self.path / "robustness.json")

    @classmethod
    def create(
        cls, path: AnyPath, settings: Settings, facts: dict[str, Any], splits: Any = None
    ) -> "RunDirectory":
        """A new run.

        Args:
            path: its directory.
            settings: resolved ones.
            facts: `SourceFacts.to_dict()` of its source.
            splits: `EpisodeSource.recorded_splits()` of it.

        Raises:
            UserError: if something is there already, or it can't be written.
        """
        cls.check_free(path)
        run = cls(path)
        with files.writing(path):
            run.path.mkdir(parents=True, exist_ok=True)
        try:
            with run.locked():
                cls.check_free(path)
                contents = dict(zip(_START, (environment(), facts, splits), strict=True))
                run._write_start(settings, contents)
        except BaseException:
            with contextlib.suppress(OSError):
                run.path.rmdir()  # if nothing is in it
            raise
        return run

    def _write_start(self, settings: Settings, contents: Any) -> None:
        try:
            with files.writing(self.path):
                self.checkpoints.mkdir(exist_ok=True)
            for name, content in contents.items():
                (self.path / name).unlink(missing_ok=True)  # of a start that was killed
                if content is not None:
                    files.write_json(self.path / name, content)
            self.write_settings(settings)
        except BaseException:
            with contextlib.suppress(OSError):
                for name in (_MARK, *contents):
                    (self.path / name).unlink(missing_ok=True)
                self.checkpoints.rmdir()
            raise

    @classmethod
    def check_free(cls, path: AnyPath) -> None:
        """Raises UserError if something is at `path` already; a killed start is allowed."""
        path = Path(path)
        if not os.path.lexists(path) or cls(path)._is_start():
            return
        if all((path / name).is_file() for name in _NEEDED):
            raise UserError(
                f"run directory {path} exists and is never overwritten; go on with it by resume "
                "(--resume), or choose another run_dir (--run-dir)"
            )
        raise UserError(
            f"{path} is there already, and is no run to go on with; choose another run_dir "
            "(--run-dir), or delete it"
        )

    def _is_start(self) -> bool:
        """Whether it is an empty folder, or holds only what a killed `create` has left."""
        if not self.path.is_dir():
            return False
        found = {entry.name for entry in self.path.iterdir()}
        if not found:
            return True
        has_checkpoints = self.checkpoints.is_dir() and any(self.checkpoints.iterdir())
        others = {name for name in found if not name.startswith(files.OURS)}
        # A kill leaves the lock's file; a folder with it was not the user's own.
        was_killed = files.lock_of(self._lock).name in found
        return was_killed and not has_checkpoints and others <= {*_START, self.checkpoints.name}

    @classmethod
    def open(cls, path: AnyPath) -> "RunDirectory":
        """A run that exists.

        Raises:
            UserError: if it is no run directory.
        """
        run = cls(path)
        for name in _NEEDED:
            if not (run.path / name).is_file():
                raise UserError(
                    f"{path} is no run directory (it has no {name}); expected one that "
                    "`tfmeta train` made"
                )
        return run

    def locked(self) -> FileLock:
        """The lock for writing in the run; a context manager.

        Raises:
            UserError: if another process has it, or nothing can be written there.
        """
        return files.locked(self._lock, what=self.path)

    @property
    def is_locked(self) -> bool:
        """Whether a process writes in the run now: trains it, that is."""
        return is_held(files.lock_of(self._lock))

    @property
    def settings(self) -> Settings:
        """The settings in config.json; raises UserError if that was changed or is too new."""
        return read_run_config(self.path / _MARK, self._facts)

    @property
    def source_facts(self) -> "SourceFacts":
        """The SourceFacts of the run's pipeline, without its data."""
        from tfmeta.episodes.source_facts import SourceFacts

        return SourceFacts.from_dict(files.read_json(self._facts))

    def check_splits(self, splits: dict[str, Any] | None) -> None:
        """Raises UserError if the data's splits are no longer those that the run was made with.

        If classes are added or removed, others move from one split to another. A test would then
        use classes that the learner was trained on.
        """
        if splits is None:
            return
        recorded = self._recorded_splits()
        before = {name: split for split, names in recorded.items() for name in names}
        now = {name: split for split, names in splits.items() for name in names}
        moved = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if moved:
            was, is_now = (each.get(moved[0], "absent") for each in (before, now))
            raise UserError(
                f"the data of {self.path} has changed since it was made: "
                f"{counted(len(moved), 'class')} "
                f"in another split (class {moved[0]} was {was}, is {is_now}). Bring the data back, "
                "or start a new run"
            )

    def check_unseen(self, splits: dict[str, Any] | None, split: str) -> None:
        """Raises UserError if a split to be tested on has classes that the run was trained on.

        Args:
            splits: `EpisodeSource.recorded_splits()` of the same pipeline as the run's.
            split: "train" and "all" are never refused, because the user asks for these classes.
        """
        if split in ("train", "all") or splits is None:
            return
        seen = sorted(set(self._recorded_splits()["train"]) & set(splits.get(split, ())))
        if seen:
            raise UserError(
                f"{counted(len(seen), 'class')} of the {split} split had a part in the training "
                f"of {self.path} (such as "
                f"{seen[0]}); expected none. Split as the run did, or say --split all"
            )

    def _recorded_splits(self) -> Any:
        """The names of the classes of each split, `{split: names}`, as recorded for the run."""
        path = self.path / "splits.json"
        splits = files.read_json(path)
        lists = splits.values() if isinstance(splits, dict) and "train" in splits else [None]
        if all(isinstance(x, list) and all(isinstance(n, str) for n in x) for x in lists):
            return splits
        raise _damaged(path, "expected the names of each split's classes")

    def write_settings(self, settings: Settings) -> None:
        files.write_json(self.path / _MARK, config_content(settings))

    def save_checkpoint(
        self, learner: "MetaLearner", step: int, *, minutes: float, stopped_by: str | None = None
    ) -> None:
        """Writes the learner as of a step, see `Checkpoints.save`; as of step 0 nothing.

        The settings' seed makes that one anew. A run of 0 steps is nothing but its start.
        """
        self.metrics.sync()  # so that it is never behind a checkpoint
        if step or self.settings.steps == 0:
            self._kept.save(learner, step, minutes=minutes, stopped_by=stopped_by)
            with files.writing(self.path):
                self._progress.unlink(missing_ok=True)

    def load_checkpoint(self, before: int | None = None) -> tuple[Any, int] | None:
        """`(learner, step)` of the newest checkpoint, or None; see `Checkpoints.load`."""
        self.settings.load_learner_class()  # so that Keras knows it
        return self._kept.load(before)

    def load_for_use(self, checkpoint: str = BEST) -> tuple[Any, int] | None:
        """`(learner, step)` of the best checkpoint by validation, or of the last; None without."""
        self.settings.load_learner_class()
        return self._kept.load_best() if checkpoint == BEST else self._kept.load()

    @property
    def best(self) -> tuple[int, float] | None:
        """`(step, score)` of the best checkpoint by validation; None without validation."""
        return self._kept.best

    def save_best(self, learner: "MetaLearner", step: int, *, score: float) -> None:
        """See `Checkpoints.save_best`."""
        self._kept.save_best(learner, step, score=score)

    @property
    def step(self) -> int:
        """The step of the last checkpoint; 0 if there is none."""
        return self._kept.step

    @property
    def network(self) -> str:
        """The network by its setting, or if that is "auto", by the name in the last checkpoint."""
        chosen = self.settings.network
        return (self._kept.network or chosen) if chosen == "auto" else chosen

    @property
    def last_step(self) -> int:
        """The last step that was taken or tried; it may be the one that was not finite."""
        return max([self.step, *(line["step"] for line in self.metrics.read())])

    @property
    def minutes(self) -> float:
        """Training time until the last checkpoint."""
        if not self.step:
            return 0.0
        minutes = self._kept.minutes
        return self._minutes_of_before() if minutes is None else minutes

    @property
    def stopped_by(self) -> str | None:
        """The user's callback that ended training before its last step; None if none did."""
        return self._kept.stopped_by if self.step else None

    def _minutes_of_before(self) -> Any:
        """The minutes that an older version wrote, beside the checkpoints."""
        if not self._progress.exists():
            return 0.0
        progress = files.read_json(self._progress)
        try:
            return float(progress["minutes"])
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(self._progress, described(error)) from error

    def remove_leftovers(self) -> None:
        """Removes what killed writers have left; the caller must hold the lock."""
        self._kept.remove_best_after(self.step)
        with files.writing(self.path):
            for folder in (self.path, self.checkpoints, self.tensorboard):
                files.clear(folder)


def _damaged(path: AnyPath, problem: Any) -> UserError:
    return UserError(f"{path} is damaged: {problem}", exit_status=1)
