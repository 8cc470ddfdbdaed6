"""Which callbacks of a user a run can honour; the others are refused by their names."""

from collections.abc import Sequence

import keras
from keras import callbacks as of_keras

from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.training.plan import Plan

_MONITORING = (of_keras.EarlyStopping, of_keras.ModelCheckpoint, of_keras.ReduceLROnPlateau)
_SETTING_THE_RATE = (of_keras.LearningRateScheduler, of_keras.ReduceLROnPlateau)
_REFUSED = {
    of_keras.BackupAndRestore: (
        "a run keeps its own checkpoints, and goes on from them exactly with resume=True"
    ),
    of_keras.SwapEMAWeights: "the outer optimizer keeps no moving averages of the weights",
    of_keras.CallbackList: "callbacks=[...] takes the callbacks of such a list themselves",
}


def check_are_callbacks(callbacks: object) -> None:
    """Raises UserError unless it is a list of `keras.callbacks.Callback`s."""
    if not isinstance(callbacks, list | tuple):
        raise UserError(
            f"received callbacks={callbacks!r}; expected a list of keras.callbacks.Callback"
        )
    for number, callback in enumerate(callbacks):
        if not isinstance(callback, keras.callbacks.Callback):
            raise UserError(
                f"received callbacks[{number}]={callback!r}; expected an object of a "
                "keras.callbacks.Callback's class"
            )


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback], plan: Plan) -> None:
    """Raises UserError if a callback can't be honoured in a run.

    Keras knows whether a high or a low value of its own metrics is good. The validation's metrics
    have other names, so it is told.
    """
    kind = plan.learner.target_kind
    for callback in callbacks:
        name = type(callback).__name__
        for refused, reason in _REFUSED.items():
            if isinstance(callback, refused):
                raise UserError(f"received the callback {name}; leave it out: {reason}")
        schedule = plan.outer_schedule
        if isinstance(callback, _SETTING_THE_RATE) and schedule != "constant":
            raise UserError(
                f"received the callback {name}, which sets the learning rate, and outer_schedule="
                f"{schedule!r}, which sets it too; expected outer_schedule='constant'"
            )
        if monitor := _monitored(callback):
            _check_monitor(callback, monitor, plan)
            if monitor == kind.validation_metric and getattr(callback, "mode", None) == "auto":
                callback.mode = kind.best_metric


def wants_validation(callback: keras.callbacks.Callback, kind: TargetKind) -> bool:
    """Whether a callback monitors a value that only windows with a validation have."""
    return _monitored(callback) in _validation_names(kind)


def _monitored(callback: keras.callbacks.Callback) -> str | None:
    """The value that one of Keras's callbacks monitors; None if it monitors none."""
    if not isinstance(callback, _MONITORING):
        return None
    is_used = getattr(callback, "save_best_only", True)
    return callback.monitor if is_used else None


def _validation_names(kind: TargetKind) -> tuple[str, str]:
    return (kind.validation_metric, f"val_{kind.metric}")


def _check_monitor(callback: keras.callbacks.Callback, monitor: str, plan: Plan) -> None:
    name, kind = type(callback).__name__, plan.learner.target_kind
    of_validation = _validation_names(kind)
    known = ["loss", kind.metric, "learning_rate"]
    if plan.settings.validation_tasks:
        known += of_validation
    if monitor not in known:
        without = ", because validation_tasks=0" if monitor in of_validation else ""
        raise UserError(
            f"the callback {name} monitors {monitor!r}, which this run does not have{without}; "
            f"expected one of: {', '.join(known)}"
        )
    if monitor in of_validation and getattr(callback, "save_freq", "epoch") != "epoch":
        raise UserError(
            f"received the callback {name} with save_freq={callback.save_freq}, and "
            f"{monitor!r} is known only at the end of a window of steps; expected save_freq='epoch'"
        )
