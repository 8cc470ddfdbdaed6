"""A run's learner on disk, at some of its steps."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfmeta import files
from tfmeta.errors import UserError, described
from tfmeta.user_files import AnyPath, check_expansion

if TYPE_CHECKING:
    from tfmeta.learners.meta_learner import MetaLearner

_KEPT = 2
BEST, LAST = "best", "last"  # what a user may choose
_FILES = {LAST: "step", BEST: "best"}
_TRAINING = "training.json"  # in a checkpoint's archive, in addition to Keras's files
_CONFIG = "config.json"  # one of Keras's


class Checkpoints:
    """Files `step-N.keras`, the last ones, and `best-N.keras`, the best one by validation.

    The name of a file is the only place that says its step. A best one may be newer than the last;
    a run that goes on from the last removes it, and finds it again. So older best ones are kept
    until a last one is as new as a newer best one.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: AnyPath):
        self._folder = Path(folder)

    @property
    def step(self) -> int:
        """The step of the newest checkpoint; 0 if there is none."""
        return max(map(_step_of, self._files()), default=0)

    @property
    def minutes(self) -> float | None:
        """Training time until the newest checkpoint; None if an older version wrote it."""
        return self._facts[0]

    @property
    def stopped_by(self) -> str | None:
        """The user's callback that ended training at the newest checkpoint; None if none did."""
        return self._facts[1]

    @property
    def network(self) -> str | None:
        """The name of the newest checkpoint's network; None without a checkpoint."""
        if not (found := self._files()):
            return None
        return _read_in(found[-1], _CONFIG, lambda c: str(c["config"]["network"]["config"]["name"]))

    @property
    def best(self) -> tuple[int, float] | None:
        """`(step, score)` of the best checkpoint by validation; None if there is none."""
        if not (found := self._files(BEST)):
            return None
        score = _facts_of(found[-1], lambda facts: float(facts["score"]))
        if score is None:
            raise _damaged(found[-1], "its score is missing")
        return _step_of(found[-1]), score

    @property
    def _facts(self) -> Any:
        def read(facts: Any) -> Any:
            stopped_by = facts.get("stopped_by")
            return float(facts["minutes"]), None if stopped_by is None else str(stopped_by)

        return _facts_of(self._files()[-1], read) or (None, None)

    def save(
        self, learner: "MetaLearner", step: int, *, minutes: float, stopped_by: str | None = None
    ) -> None:
        """Writes a learner with its optimizer; keeps the last checkpoint before it, and no older.

        Args:
            learner: compiled, with finite weights.
            step: number of outer-loop steps that it has taken.
            minutes: training time so far.
            stopped_by: the user's callback that ended training here, if one did.

        Raises:
            UserError: if it can't be written; the older checkpoints are then unchanged.
        """
        facts = {"minutes": minutes} | ({"stopped_by": stopped_by} if stopped_by else {})
        self._write(learner, LAST, step, facts)
        best_until_now = [each for each in self._files(BEST) if _step_of(each) <= step]
        self._remove([*self._files()[:-_KEPT], *best_until_now[:-1]])

    def save_best(self, learner: "MetaLearner", step: int, *, score: float) -> None:
        """Writes a learner that is better on the validation episodes than all before it.

        Args:
            learner: compiled, with finite weights.
            step: number of outer-loop steps that it has taken.
            score: of the validation.

        Raises:
            UserError: if it can't be written.
        """
        self._write(learner, BEST, step, {"score": score})

    def remove_best_after(self, step: int) -> None:
        """Removes best checkpoints of later steps than the one that a run goes on from."""
        self._remove([each for each in self._files(BEST) if _step_of(each) > step])

    def _write(self, learner: "MetaLearner", which: str, step: int, facts: dict[str, Any]) -> None:
        from tfmeta.learners.finite_guard import refuse_not_finite

        refuse_not_finite(learner)
        with files.whole(self._folder / f"{_FILES[which]}-{step:09d}.keras") as partial:
            learner.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(_TRAINING, json.dumps(facts))

    def _remove(self, old: list[Path]) -> None:
        with files.writing(self._folder):
            for each in old:
                each.unlink()

    def load_best(self) -> Any:
        """Loads the best checkpoint by validation; without one, the newest. See `load`."""
        if self._files() and (found := self._files(BEST)):
            remedy = " To use the last one, choose checkpoint='last' (--checkpoint last)."
            return _loaded(found[-1], remedy)
        return self.load()

    def load(self, before: int | None = None) -> Any:
        """Loads the newest checkpoint, or the newest before the step `before`; changes nothing.

        The learner's class must be known to Keras.

        Returns:
            `(learner, step)`, or None if there is none.

        Raises:
            UserError: if it is damaged, or asks for code from elsewhere; see `keras_files`.
        """
        while found := [f for f in self._files() if before is None or _step_of(f) < before]:
            newest = found[-1]
            remedy = f" To go on from step {_step_of(found[-2])}, delete it." if found[1:] else ""
            try:
                return _loaded(newest, remedy)
            except UserError:
                if os.path.lexists(newest):
                    raise
                # The run goes on, and has newer checkpoints by now.
        return None

    def _files(self, which: str = LAST) -> list[Path]:
        found = self._folder.glob(f"{_FILES[which]}-*.keras")
        return sorted((f for f in found if f.stem[5:].isdecimal()), key=_step_of)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.stem[5:])


def _loaded(checkpoint: Path, remedy: str) -> Any:
    """`(learner, step)` of a file."""
    from tfmeta.keras_files import load_model

    try:
        if not (checkpoint.is_file() and zipfile.is_zipfile(checkpoint)):
            raise ValueError("it is no .keras file")
        return load_model(checkpoint), _step_of(checkpoint)
    except UserError:
        raise
    except Exception as error:
        raise _damaged(checkpoint, described(error), remedy) from error


def _facts_of(checkpoint: Path, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the facts that were saved with a learner; None if there are none."""
    return _read_in(checkpoint, _TRAINING, read)


def _read_in(checkpoint: Path, name: str, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of a JSON file in a checkpoint's archive; None if it is not there."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            if name in archive.namelist():
                check_expansion(name, (file := archive.getinfo(name)).file_size, file.compress_size)
                return read(json.loads(archive.read(name)))
    except Exception as error:  # zipfile may raise anything for bytes that tfmeta did not write
        raise _damaged(checkpoint, described(error)) from error
    return None


def _damaged(checkpoint: Any, problem: Any, remedy: str = "") -> UserError:
    return UserError(f"checkpoint {checkpoint} is damaged ({problem}).{remedy}", exit_status=1)
