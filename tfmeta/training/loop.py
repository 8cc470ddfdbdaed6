"""The loop that trains a learner, on one device or on many.

Keras's `fit` would do for the devices of one machine. With workers on several it fails (Keras 3.15;
keras issue 20585), and its way to share out a dataset lets each worker draw every episode.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.share import Share
from tfmeta.episodes.source_failure import as_raised
from tfmeta.learners.dataset_checks import with_label_checks
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.replicas import share_in

Batches = Callable[[int, Share], tf.data.Dataset]  # after a step, for some of the replicas


class TrainingLoop:
    """Takes a learner's steps on every replica of its strategy, a window of them at a time.

    To a callback of Keras a window is an epoch, and each execution, of one or more steps, a batch.
    All that Keras's `fit` calls is called in its order. It is traced once, whatever the lengths of
    the windows.

    Args:
        learner: compiled.
        batches: `(step, share)` -> the batches of the steps after a step, for a reader of the
            `share`; endless.
    """

    def __init__(self, learner: MetaLearner, batches: Batches):
        self._learner, self._batches = learner, batches
        self._strategy = learner.distribute_strategy
        self._waited = tf.Variable(0.0, trainable=False, dtype=tf.float64)
        self._one_step = tf.function(
            self._step_of_replicas,
            autograph=False,
            reduce_retracing=True,
            jit_compile=learner.jit_compile,
        )
        self._steps = tf.function(self._several_steps, autograph=False, reduce_retracing=True)

    @property
    def seconds_waited(self) -> float:
        """How long its steps have waited for their episodes, all together."""
        return float(self._waited.numpy())

    def run(
        self,
        step: int,
        windows: tuple[int, int],
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Trains some windows of one length.

        Args:
            step: the number of steps that the learner has taken.
            windows: their length and their number.
            callbacks: Keras's callbacks.

        Raises:
            NotFiniteError: at the first step that is not finite, unless a callback stops there.
        """
        learner, (length, number) = self._learner, windows
        iterator = iter(self._strategy.distribute_datasets_from_function(self._reader(step)))
        learner.finite_guard.reset()
        learner.stop_training = False
        told = keras.callbacks.CallbackList(
            learner.finite_guard.stopping(list(callbacks)),
            add_history=True,
            model=learner,
            epochs=number,
            steps=length,
            verbose=0,
        )
        told.on_train_begin()
        logs = None
        for epoch in range(number):
            with as_raised():
                logs = self._window(iterator, length, epoch, told)
            if learner.stop_training:
                break
        told.on_train_end(logs)

    def _window(self, iterator: Any, length: int, epoch: int, told: Any) -> dict[str, Any]:
        learner, most = self._learner, self._learner.steps_per_execution
        learner.reset_metrics()
        told.on_epoch_begin(epoch)
        for first in range(0, length, most):
            number = min(most, length - first)
            told.on_train_batch_begin(first)
            logs = self._steps(iterator, tf.constant(number))
            told.on_train_batch_end(first + number - 1, logs)
            if learner.stop_training:
                break
        logs = dict(learner.get_metrics_result())
        told.on_epoch_end(epoch, logs)
        return logs

    def _reader(self, step: int) -> Callable[[Any], tf.data.Dataset]:
        """Makes the dataset of one machine's replicas."""

        def dataset(context: Any) -> tf.data.Dataset:
            batches = self._batches(step, share_in(context))
            self._learner.ready_for(batches.element_spec)
            return with_label_checks(self._learner, batches)

        return dataset

    def _step_of_replicas(self, episodes: Any) -> Any:
        return self._strategy.run(self._learner.train_step, args=(episodes,))

    def _several_steps(self, iterator: Any, number: tf.Tensor) -> dict[str, tf.Tensor]:
        """So many steps; returns the means of the window so far."""

        def step(done: tf.Tensor) -> tuple[tf.Tensor]:
            self._one_step(self._next(iterator))
            return (done + 1,)

        if self._learner.steps_per_execution == 1:  # TensorFlow rounds a loop's body otherwise
            self._one_step(self._next(iterator))
        else:
            tf.while_loop(lambda done: done < number, step, (0,))
        return self._learner.get_metrics_result()

    def _next(self, iterator: Any) -> Any:
        """The next batch; adds the time until it is there to the time waited."""
        begun = tf.timestamp()
        with tf.control_dependencies([begun]):
            batch = iterator.get_next()
        with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
            self._waited.assign_add(tf.timestamp() - begun)
        return batch
