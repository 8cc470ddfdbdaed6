"""A run on disk: its settings, its checkpoints, its metrics and its results."""

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from tfmeta import strict_json
from tfmeta.errors import UserError, described
from tfmeta.training.settings import Settings, read_config
from tfmeta.typed_fields import with_digest

_KEPT_CHECKPOINTS = 2
_PACKAGES = ("tfmeta", "tensorflow", "keras", "numpy", "tensorflow-datasets")


class RunDirectory:
    """The files of one run. Every file is written whole or not at all, but for metrics.jsonl.

    Args:
        path: the directory; see `create` and `open`.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.metrics = self.path / "metrics.jsonl"
        self.results = self.path / "results.json"

    @classmethod
    def create(cls, path, settings: Settings, facts: dict, splits=None) -> "RunDirectory":
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
        try:
            run.checkpoints.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the run directory {path}: {error.strerror}") from error
        run.write_settings(settings)
        write_json(run.path / "environment.json", _environment())
        write_json(run.path / "source.json", facts)
        if splits is not None:
            write_json(run.path / "splits.json", splits)
        return run

    @staticmethod
    def check_free(path) -> None:
        """Raises UserError if something is at `path` already."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UserError(
                f"run directory {path} exists and is never overwritten; go on with it by --resume, "
                "or choose another --run-dir"
            )

    @classmethod
    def open(cls, path) -> "RunDirectory":
        """A run that exists.

        Raises:
            UserError: if it is no run directory.
        """
        run = cls(path)
        if not (run.path / "config.json").is_file():
            raise UserError(
                f"{path} is no run directory (it has no config.json); expected one that "
                "`tfmeta train` made"
            )
        return run

    @property
    def settings(self) -> Settings:
        flat = read_config(self.path / "config.json", as_written=True)
        return Settings().updated({**self._options_of_before(flat.get("pipeline", "")), **flat})

    def _options_of_before(self, pipeline):
        """Of a run whose images were read as they are stored, before there was another way."""
        facts = self.path / "source.json"
        image = _read_json(facts).get("image_format") if facts.exists() else None
        if not image or "background" in image:
            return {}
        from tfmeta.pipelines import options_of

        try:
            known = options_of(pipeline)
        except UserError:  # it is not at hand, which matters only where its data is wanted
            return {}
        return {"pipeline.as_stored": True} if "as_stored" in known else {}

    @property
    def source_facts(self):
        """The SourceFacts of the run's pipeline, without its data."""
        from tfmeta.pipelines.episode_source import SourceFacts

        return SourceFacts.from_dict(_read_json(self.path / "source.json"))

    def check_splits(self, splits: dict | None) -> None:
        """Raises UserError if the data's splits are no longer those that the run was made with.

        Classes that came or went move others from one split to another: a test would then be of
        classes that the learner was trained on.
        """
        recorded = self.path / "splits.json"
        if splits is None or not recorded.exists():
            return
        before = {name: split for split, names in _read_json(recorded).items() for name in names}
        now = {name: split for split, names in splits.items() for name in names}
        moved = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if moved:
            was, is_now = (each.get(moved[0], "absent") for each in (before, now))
            raise UserError(
                f"the data of {self.path} has changed since it was made: {len(moved)} classes are "
                f"in another split (class {moved[0]} was {was}, is {is_now}). Bring the data back, "
                "or start a new run"
            )

    def check_unseen(self, splits: dict | None, split: str) -> None:
        """Raises UserError if a split to be tested on has classes that the run was trained on.

        Args:
            splits: `EpisodeSource.recorded_splits()` of the same pipeline as the run's.
            split: "train" and "all" are asked for with open eyes.
        """
        recorded = self.path / "splits.json"
        if split in ("train", "all") or splits is None or not recorded.exists():
            return
        seen = sorted(set(_read_json(recorded)["train"]) & set(splits.get(split, ())))
        if seen:
            raise UserError(
                f"{len(seen)} classes of the {split} split were trained on in {self.path} (such as "
                f"{seen[0]}); expected none. Split as the run did, or say --split all"
            )

    def write_settings(self, settings: Settings) -> None:
        write_json(self.path / "config.json", with_digest(settings.to_flat()))

    def save_checkpoint(self, learner, step: int, *, minutes: float, not_finite=()) -> None:
        """Writes the learner with its optimizer, beside the one before, which stays whole.

        Args:
            learner: compiled, with finite weights; at step 0 nothing is written of it, for the
                settings' seed makes it anew.
            step: outer-loop steps behind it.
            minutes: of training.
            not_finite: what was not finite in the step after it, where training ended.
        """
        from tfmeta.learners.finite_guard import refuse_not_finite

        if step:
            refuse_not_finite(learner)
            target = self.checkpoints / f"step-{step:09d}.keras"
            partial = self.checkpoints / f"partial-{os.getpid()}.keras"
            learner.save(partial)
            _flush(partial)
            os.replace(partial, target)
        progress = {"step": step, "minutes": minutes}
        if not_finite:
            progress["not_finite"] = list(not_finite)
        write_json(self.path / "progress.json", progress)
        for old in self._checkpoint_files()[:-_KEPT_CHECKPOINTS]:
            old.unlink()

    def load_checkpoint(self):
        """The newest checkpoint: `(learner, step)`, or None if there is none yet.

        Raises:
            UserError: if it is damaged.
        """
        for partial in self.checkpoints.glob("partial-*"):
            partial.unlink()
        return self.read_checkpoint()

    def read_checkpoint(self, before: int | None = None):
        """The newest checkpoint, or the newest before the step `before`; changes nothing.

        Returns and raises as `load_checkpoint`.
        """
        files = [f for f in self._checkpoint_files() if before is None or _step_of(f) < before]
        if not files:
            return None
        newest, step = files[-1], _step_of(files[-1])
        from tfmeta.keras_files import load_model
        from tfmeta.learners import find

        find(self.settings.algorithm).load()  # registers the class with Keras
        try:
            return load_model(newest), step
        except UserError:
            raise
        except Exception as error:
            before = f" To go on from step {files[-2].stem[5:]}, delete it." if files[1:] else ""
            raise UserError(
                f"checkpoint {newest} is damaged ({described(error)}).{before}",
                exit_status=1,
            ) from error

    @property
    def minutes(self) -> float:
        """Training time until the last checkpoint."""
        return self._progress["minutes"]

    @property
    def step(self) -> int:
        """The step of the last checkpoint."""
        return self._progress["step"]

    @property
    def last_step(self) -> int:
        """The last step that was taken, or tried: one further where it was not finite."""
        return self.step + bool(self._progress.get("not_finite"))

    @property
    def _progress(self):
        progress = self.path / "progress.json"
        return _read_json(progress) if progress.exists() else {"step": 0, "minutes": 0}

    def rewind_metrics(self, step: int) -> None:
        """Drops the lines that were logged after `step`, and one that was cut short."""
        if self.metrics.exists():
            kept = [line for line in self.read_metrics() if line["step"] <= step]
            _write(self.metrics, "".join(strict_json.dumps(line) + "\n" for line in kept))

    def read_metrics(self) -> list[dict]:
        """The lines of metrics.jsonl, but for one that was cut short."""
        lines = []
        for line in self.metrics.read_text().splitlines() if self.metrics.exists() else ():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def append_metrics(self, line: dict) -> None:
        with self.metrics.open("a") as file:
            file.write(strict_json.dumps(line) + "\n")

    def append_result(self, result: dict) -> None:
        results = _read_json(self.results) if self.results.exists() else []
        write_json(self.results, [*results, result])

    def _checkpoint_files(self):
        return sorted(self.checkpoints.glob("step-*.keras"))


def _step_of(checkpoint):
    return int(checkpoint.stem.removeprefix("step-"))


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is missing or damaged: {error}", exit_status=1) from error


def write_json(path: Path, content) -> None:
    """Writes JSON whole or not at all."""
    _write(path, strict_json.dumps(content, indent=2) + "\n")


def _write(path, text):
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    _flush(partial)
    os.replace(partial, path)


def _flush(path):
    """Onto the disk before the rename that makes it count."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _environment():
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: version(name) for name in _PACKAGES},
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
    }
