"""What happens at the end of every window of steps: metrics, checkpoint, rate, and when to stop."""

import contextlib
import math
import time

import keras
import tensorflow as tf

from tfmeta import files
from tfmeta.errors import NotFiniteError

# Share of the outer rate, as a function of how much of the run is done, from 0 to 1.
_SCHEDULES = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1 - done,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),  # Loshchilov, Hutter 2017, eq. 5
}


class Recorder(keras.callbacks.Callback):
    """Records a run. An epoch of Keras is a window of steps here.

    All that it writes to metrics.jsonl is a function of the settings and the step, so that a run
    that was killed and resumed writes the same bytes as one that was not. What depends on the
    clock (tasks a second) goes to TensorBoard alone.

    A step whose numbers are not finite ends the run: the learner is then as it was before that step
    (see `FiniteGuard`), and so it is kept.

    Args:
        run: the RunDirectory.
        settings: resolved Settings.
        reporter: shows progress.
        window: steps a window.
        step: steps that the run has behind it.
        should_stop: asked after every window.
        validator: an Evaluator of validation episodes, or None.
    """

    def __init__(self, run, settings, reporter, *, window, step, should_stop, validator):
        super().__init__()
        self.step = step
        self.stopped = self.interrupted = False
        self.failure = None  # a NotFiniteError, its step counted from the run's first
        self._run, self._settings, self._reporter = run, settings, reporter
        self._should_stop, self._validator = should_stop, validator
        self._validate_every = settings.validate_every or 25 * window
        with files.writing(run.tensorboard):
            self._writer = tf.summary.create_file_writer(str(run.tensorboard))
        self._minutes_before = run.minutes
        self._started = self._saved = time.monotonic()
        self._timed_steps = self._timed_seconds = 0
        self._is_compiled = False

    @property
    def tasks_per_second(self) -> float:
        """Without the first window of the process, which compiles; 0 if there was no other."""
        steps = self._timed_steps * self._settings.meta_batch
        return steps / self._timed_seconds if self._timed_seconds else 0.0

    @property
    def _minutes(self):
        return self._minutes_before + (time.monotonic() - self._started) / 60

    @property
    def _progress(self):
        """How much of the run is done, from 0 to 1."""
        if self._settings.steps:
            return self.step / self._settings.steps
        return min(1.0, self._minutes / self._settings.max_minutes)

    def on_train_begin(self, logs=None):
        self._step_before = self.step

    def on_train_batch_end(self, batch, logs=None):
        failure = self.model.finite_guard.failure
        if failure is None:
            return
        self.failure = NotFiniteError(self._step_before + failure.step, failure.what)
        self.step = self.failure.step - 1
        self.stopped = self.model.stop_training = True
        rate = float(self.model.optimizer.learning_rate.numpy())
        line = {"step": self.failure.step, "loss": None, "learning_rate": rate}
        self._run.metrics.append({**line, "not_finite": self.failure.what})
        self._run.save_checkpoint(self.model, self.step, minutes=self._minutes)

    def on_epoch_begin(self, epoch, logs=None):
        share = _SCHEDULES[self._settings.outer_schedule](self._progress)
        self.model.optimizer.learning_rate.assign(self._settings.outer_lr * share)
        self._window_started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if self.failure:
            return
        seconds = time.monotonic() - self._window_started
        steps = self.params["steps"]
        self.step += steps
        if self._is_compiled:
            self._timed_steps += steps
            self._timed_seconds += seconds
        self._is_compiled = True
        logs = {name: float(value) for name, value in logs.items()}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        line = {"step": self.step, **logs}
        if self._validator and (self.step % self._validate_every < steps or self._is_last):
            result = self._validator.run()
            name = "mse" if "mse" in result else "accuracy"
            line[f"validation_{name}"] = result[name]
        self._run.metrics.append(line)
        self._write_scalars(line, steps * self._settings.meta_batch / seconds)
        self._reporter.window(line, self.tasks_per_second, self._progress)
        self._stop_or_save()

    @property
    def _is_last(self):
        if self._settings.steps and self.step >= self._settings.steps:
            return True
        return bool(self._settings.max_minutes) and self._minutes >= self._settings.max_minutes

    def _stop_or_save(self):
        self.interrupted = not self._is_last and self._should_stop()
        self.stopped = self._is_last or self.interrupted
        if self.stopped or time.monotonic() - self._saved > self._settings.checkpoint_seconds:
            self._run.save_checkpoint(self.model, self.step, minutes=self._minutes)
            self._saved = time.monotonic()
        if self.stopped:
            self.model.stop_training = True

    def _write_scalars(self, line, tasks_per_second):
        with files.writing(self._run.tensorboard), self._writer.as_default(step=line["step"]):
            for name, value in line.items():
                part, _, rest = name.partition("_")
                tag = f"validation/{rest}" if part == "validation" else f"train/{name}"
                if name != "step":
                    tf.summary.scalar(tag, value)
            tf.summary.scalar("train/tasks_per_second", tasks_per_second)
            self._writer.flush()

    def close(self):
        """Of what a full disk keeps from being written there was word before."""
        with contextlib.suppress(OSError, tf.errors.OpError):
            self._writer.close()
