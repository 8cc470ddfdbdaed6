"""The user's own callbacks."""

from collections.abc import Sequence
from typing import Any

import keras

from tfmeta.errors import UserError
from tfmeta.training.callback_checks import wants_validation
from tfmeta.training.callbacks.run_callback import Logs, RunCallback
from tfmeta.training.run_state import RunState
from tfmeta.training.windows import Windows

_MAY_SET_THE_RATE = ("on_train_begin", "on_epoch_begin", "on_epoch_end")


class UserCallbacks(RunCallback):
    """Shows the user's callbacks one training from beginning to end.

    It may take several calls of `fit`, one after the other. Epochs, which are windows of steps, are
    counted from the run's first, also where a run goes on.

    Args:
        state: of the run.
        callbacks: Keras's or the user's, as `callback_checks` lets them through.
        windows: of the run.
    """

    def __init__(
        self, state: RunState, callbacks: Sequence[keras.callbacks.Callback], windows: Windows
    ):
        super().__init__(state)
        self._callbacks, self._windows = list(callbacks), windows
        self._is_begun = False

    def on_train_begin(self, logs: Logs = None) -> None:
        last = self._windows.last
        number = None if last is None else self._windows.number_before(last)
        self._first_epoch = self._windows.number_before(self.state.step)
        for callback in self._callbacks:
            callback.set_params({**self.params, "epochs": number})
            if not self._is_begun:
                callback.set_model(self.model)
        if not self._is_begun:
            self._call("on_train_begin", logs)
        self._is_begun = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_begin", self._first_epoch + epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_end", batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.state.failure and not self.state.stopped_by:
            return  # as if `fit` had raised the error, which comes
        kind = self.state.plan.learner.target_kind
        name = kind.validation_metric
        seen = dict(logs or {})
        if name in seen:
            seen[f"val_{kind.metric}"] = seen[name]  # as Keras would call it
        for callback in self._callbacks:
            # Without its value Keras's would warn, or take this window for the best of all.
            if name in seen or not wants_validation(callback, kind):
                self._call_one(callback, "on_epoch_end", self._first_epoch + epoch, dict(seen))

    def on_train_end(self, logs: Logs = None) -> None:
        if self.state.is_finished or self.state.is_interrupted:
            self._call("on_train_end", logs)

    def _call(self, hook: str, *arguments: Any) -> None:
        for callback in self._callbacks:
            self._call_one(callback, hook, *arguments)

    def _call_one(self, callback: keras.callbacks.Callback, hook: str, *arguments: Any) -> None:
        rate, was_stopping = self.learning_rate, self.model.stop_training
        getattr(callback, hook)(*arguments)
        if self.model.stop_training and not was_stopping:
            self.state.stopped_by = type(callback).__name__
        if self.learning_rate != rate:
            self._check_may_set_rate(callback, hook)

    def _check_may_set_rate(self, callback: keras.callbacks.Callback, hook: str) -> None:
        schedule, name = self.state.plan.outer_schedule, type(callback).__name__
        if schedule != "constant":
            raise UserError(
                f"the callback {name} changed the learning rate, which outer_schedule="
                f"{schedule!r} sets; expected a callback that leaves it, or "
                "outer_schedule='constant'"
            )
        if hook not in _MAY_SET_THE_RATE:
            raise UserError(
                f"the callback {name} changed the learning rate in {hook}; expected "
                f"{', '.join(_MAY_SET_THE_RATE)}, because a line of metrics has one rate"
            )
