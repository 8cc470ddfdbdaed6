"""A run's learner on disk, at some of its steps."""

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfmeta import files
from tfmeta.errors import UserError, described
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.learners.meta_learner import MetaLearner

_KEPT = 2
_TRAINING = "training.json"  # in a checkpoint's archive, in addition to Keras's files


class Checkpoints:
    """Files `step-N.keras`. The name of a file is the only place that says its step.

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
    def _facts(self) -> Any:
        newest = self._files()[-1]
        try:
            with zipfile.ZipFile(newest) as archive:
                if _TRAINING in archive.namelist():
                    facts = json.loads(archive.read(_TRAINING))
                    stopped_by = facts.get("stopped_by")
                    return float(facts["minutes"]), None if stopped_by is None else str(stopped_by)
        except Exception as error:  # zipfile may raise anything for bytes that tfmeta did not write
            raise _damaged(newest, described(error)) from error
        return None, None

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
        from tfmeta.learners.finite_guard import refuse_not_finite

        refuse_not_finite(learner)
        facts = {"minutes": minutes} | ({"stopped_by": stopped_by} if stopped_by else {})
        with files.whole(self._folder / f"step-{step:09d}.keras") as partial:
            learner.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(_TRAINING, json.dumps(facts))
        with files.writing(self._folder):
            for old in self._files()[:-_KEPT]:
                old.unlink()

    def load(self, before: int | None = None) -> Any:
        """Loads the newest checkpoint, or the newest before the step `before`; changes nothing.

        The learner's class must be known to Keras.

        Returns:
            `(learner, step)`, or None if there is none.

        Raises:
            UserError: if it is damaged, or asks for code from elsewhere; see `keras_files`.
        """
        from tfmeta.keras_files import load_model

        while found := [f for f in self._files() if before is None or _step_of(f) < before]:
            newest = found[-1]
            remedy = f" To go on from step {_step_of(found[-2])}, delete it." if found[1:] else ""
            try:
                if not (newest.is_file() and zipfile.is_zipfile(newest)):
                    raise ValueError("it is no .keras file")
                return load_model(newest), _step_of(newest)
            except UserError:
                raise
            except Exception as error:
                if os.path.lexists(newest):
                    raise _damaged(newest, described(error), remedy) from error
                # The run goes on, and has newer checkpoints by now.
        return None

    def _files(self) -> Any:
        found = self._folder.glob("step-*.keras")
        return sorted((f for f in found if f.stem[5:].isdecimal()), key=_step_of)


def _step_of(checkpoint: Any) -> int:
    return int(checkpoint.stem[5:])


def _damaged(checkpoint: Any, problem: Any, remedy: str = "") -> UserError:
    return UserError(f"checkpoint {checkpoint} is damaged ({problem}).{remedy}", exit_status=1)
