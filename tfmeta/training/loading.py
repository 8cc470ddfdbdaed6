"""Loads a trained learner."""

from pathlib import Path

from tfmeta.errors import UserError, described
from tfmeta.keras_files import load_model
from tfmeta.learners.finite_guard import refuse_not_finite
from tfmeta.learners.half_precision import stay_in_full_precision
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.training.checkpoints import BEST, LAST
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath


def load(run_dir: AnyPath, *, trust: bool = False, checkpoint: str = BEST) -> MetaLearner:
    """The trained learner of a run directory or of a .keras file.

    Args:
        run_dir: the directory or the file.
        checkpoint: of a run: "best" by validation, which is the last without validation, or "last".
        trust: run code that it names or holds, such as the user's own learner or a Lambda layer.

    Raises:
        UserError: if it is neither, its content is missing, damaged or no learner, or its weights
            are not finite; or if it asks for code that is not tfmeta's own, without `trust`.
    """
    with trusting(trust):
        return _load(run_dir, checkpoint)


def _load(run_dir: AnyPath, checkpoint: str) -> MetaLearner:
    is_file = Path(run_dir).suffix == ".keras"
    if not is_file:
        return load_run(RunDirectory.open(run_dir), checkpoint)[0]
    if checkpoint != BEST:
        raise UserError(
            f"received checkpoint={checkpoint!r} for the file {run_dir}; expected a run directory, "
            "or the file without it"
        )
    learner = _load_file(Path(run_dir))
    refuse_not_finite(learner)
    return learner


def load_run(run: RunDirectory, checkpoint: str = BEST) -> tuple[MetaLearner, int]:
    """`(learner, step)`: the learner as of a checkpoint, in float32, and the step of that.

    Args:
        run: that was trained.
        checkpoint: "best" by validation, or "last".

    Raises:
        UserError: as `load`.
    """
    if checkpoint not in (BEST, LAST):
        raise UserError(f"received checkpoint={checkpoint!r}; expected {BEST!r} or {LAST!r}")
    facts, loaded = run.source_facts, run.load_for_use(checkpoint)
    if loaded is not None:
        stay_in_full_precision(loaded[0])
    if loaded is None:
        raise UserError(
            f"{run.path} has no checkpoint yet; train it first, with resume (tfmeta train --resume "
            f"--run-dir {run.path})"
        )
    learner = loaded[0]
    taken = tuple(learner.function.input_shape[1:])
    if taken != facts.input_shape:
        raise UserError(
            f"the run {run.path} is damaged: its network takes examples of {taken}, and its "
            f"source.json has {facts.input_shape}; expected the same",
            exit_status=1,
        )
    refuse_not_finite(learner)
    return loaded


def _load_file(path: Path) -> MetaLearner:
    if not path.is_file():
        raise UserError(f"there is no file {path}; expected one that learner.save() made")
    try:
        learner = load_model(path)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{path} cannot be loaded ({described(error)}); expected what learner.save() made",
            exit_status=1,
        ) from error
    if not isinstance(learner, MetaLearner):
        raise UserError(
            f"{path} holds a {type(learner).__name__}, which is no learner; expected what "
            "learner.save() made. A plain network goes into one: tfmeta.Prototypical(network)"
        )
    return learner
