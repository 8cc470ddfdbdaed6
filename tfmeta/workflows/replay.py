"""Runs one step of a run again, with every intermediate number checked."""

import itertools
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode
from tfmeta.errors import UserError
from tfmeta.learners.padding import unpadded
from tfmeta.training.layer_schedule import tell_progress
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath

_HERE = Path(__file__).resolve().parents[1]  # tfmeta's own files


class Replay:
    """A step of a run, from the weights that it began with.

    Episodes follow from their numbers, and training from the weights. So the steps between the
    newest checkpoint before the step and the step itself are trained again, as they were. Nothing
    in the run changes.

    Args:
        run_dir: of the run.
        step: which step, from 1.

    Raises:
        UserError: if it is no run directory, its checkpoint is damaged, its data is missing or has
            changed, or it has no such step.
    """

    def __init__(self, run_dir: AnyPath, step: int):
        self._run, self._number = RunDirectory.open(run_dir), step
        last = self._run.last_step
        if not 1 <= step <= last:
            taken = f"from 1 to {last}" if last else "of a run that has a checkpoint or has ended"
            raise UserError(f"received step={step} (--step); expected a step {taken}, in {run_dir}")
        settings = replace(self._run.settings, strategy="single")  # wherever it was trained
        self._plan = Plan.of_run(self._run, settings)
        self._learner, self.start = self._plan.learner_of(self._run, before=step)
        self._tasks = self._plan.meta_batch

    def run(self, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
        """The step again.

        Args:
            say: is told what is being done, line by line.

        Returns:
            `step`, the `checkpoint` that it began with, its `episodes` (first and last number), the
            `learning_rate`, and what came out: `loss` and `largest_gradient` of each task, and
            `not_finite`: None, or a dict that says where the first such number was.
        """
        learner, step, tasks = self._learner, self._number, self._tasks
        if step - 1 > self.start:
            say(f"training again from step {self.start} to step {step - 1}")
            self._train_again()
        self._prepare(step)
        first = (step - 1) * tasks
        say(f"running step {step} (episodes {first} to {first + tasks - 1}), every number checked")
        return {
            "step": step,
            "checkpoint": self.start,
            "episodes": [first, first + tasks - 1],
            "learning_rate": float(learner.optimizer.learning_rate.numpy()),
            **self._checked_step(next(iter(self._plan.episodes_after(step - 1, learner=learner)))),
        }

    def _train_again(self) -> None:
        """In the run's own windows, whose steps share a rate; windows of one length in one go."""
        step, last = self.start, self._number - 1
        longest, loop = self._plan.windows(self._learner).longest, self._plan.loop(self._learner)
        ends = [line["step"] for line in self._run.metrics.read() if step < line["step"] < last]
        lengths = np.diff([step, *ends, last]).tolist()
        for length, windows in itertools.groupby(lengths):
            in_all = len(list(windows))
            # A shorter window comes alone, as in `Windows.alike`.
            for number in [in_all] if length == longest else [1] * in_all:
                windows_again = _Windows(self._prepare, step, length)
                loop.run(step, (length, number), [windows_again])
                step += number * length

    def _prepare(self, step: int) -> None:
        """Sets what changes from window to window as it was at a step.

        It is in the first line of metrics that the step is part of.
        """
        for line in self._run.metrics.read():
            if line["step"] >= step:
                self._learner.optimizer.learning_rate.assign(line["learning_rate"])
                tell_progress(self._learner, line.get("progress"))
                return

    def _checked_step(self, episodes: Episode | PaddedEpisode) -> dict[str, Any]:
        losses: list[float] = []
        largest: list[float] = []
        gradients = []
        for task in range(self._tasks):
            episode = unpadded(tf.nest.map_structure(lambda t, i=task: t[i], episodes))
            where = _first_not_finite(partial(self._learner.task_gradients, episode))
            if isinstance(where, dict):
                number = (self._number - 1) * self._tasks + task
                where = {"task": task, "episode": number, **where}
                return {"loss": losses, "largest_gradient": largest, "not_finite": where}
            of_task, logs = where
            losses.append(float(logs["loss"]))
            gradients.append(of_task)
            largest.append(max(float(tf.reduce_max(tf.abs(g))) for g in of_task))
        where = self._checked_update(gradients)
        return {"loss": losses, "largest_gradient": largest, "not_finite": where}

    def _checked_update(self, gradients: list[list[tf.Tensor]]) -> dict[str, Any] | None:
        """The optimizer's step on the mean gradient: where it is not finite, or None."""
        variables, optimizer = self._learner.trainable_variables, self._learner.optimizer
        means = [tf.reduce_mean(tf.stack(g), 0) for g in zip(*gradients, strict=True)]
        where = _first_not_finite(
            lambda: optimizer.apply_gradients(zip(means, variables, strict=True))
        )
        if isinstance(where, dict):
            return {"task": None, **where}
        changed = [v for v in (*variables, *optimizer.variables) if v.value.dtype.is_floating]
        bad = [v.path for v in changed if not tf.reduce_all(tf.math.is_finite(v.value))]
        return {"task": None, "message": f"after it, {bad[0]} is not finite"} if bad else None


class _Windows(keras.callbacks.Callback):
    """Prepares each window of steps, an epoch of Keras's, as the run had it."""

    def __init__(self, prepare: Callable[[int], None], start: int, length: int):
        super().__init__()
        self._prepare, self._start, self._length = prepare, start, length

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._prepare(self._start + epoch * self._length + 1)


def _first_not_finite(function: Callable[[], Any]) -> Any:
    """What an eager function returns, or where its first number was not finite, as a dict."""
    filtered = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()  # else the frames that know the layer are gone
    tf.debugging.enable_check_numerics()
    try:
        return function()
    except tf.errors.InvalidArgumentError as error:
        if "Detected Infinity or NaN" not in str(error):
            raise
        return _where(error)
    finally:
        tf.debugging.disable_check_numerics()
        if filtered:
            keras.config.enable_traceback_filtering()


def _where(error: Exception) -> dict[str, Any]:
    """The operation, the layer that it is of, and tfmeta's line that asked for it."""
    layer, line = None, None
    for frame, number in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        file = Path(frame.f_code.co_filename)
        is_network = isinstance(owner, keras.Model)
        if isinstance(owner, keras.layers.Layer) and not is_network and owner.name:
            layer = owner.name
        if _HERE in file.parents and file.parent.name == "learners":
            line = f"{file.relative_to(_HERE.parent)}:{number} ({frame.f_code.co_name})"
    words = " ".join(str(error).split())
    operation = words.partition('op "')[2].partition('"')[0] or None
    return {"operation": operation, "layer": layer, "line": line, "message": _short(words)}


def _short(words: str) -> str:
    """The error without what TensorFlow adds of itself: which output, and how many of it."""
    head = words.partition("Detected ")[2].partition(" Input tensor")[0]
    return head.partition("Stack trace")[0].strip()
