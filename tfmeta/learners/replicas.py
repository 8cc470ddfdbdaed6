"""Work on examples or episodes, shared out over the replicas of a learner's strategy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.share import Share
from tfmeta.errors import UserError

_ROWS_AT_A_TIME = 4096  # that workers send each other


def share_in(context: tf.distribute.InputContext) -> Share:
    """The replicas for which a dataset of a strategy is read."""
    here = context.num_replicas_in_sync // context.num_input_pipelines
    return Share(context.num_replicas_in_sync, context.input_pipeline_id * here, here)


def share_of(strategy: tf.distribute.Strategy) -> Share:
    """The replicas of a strategy on this machine."""
    found = []

    def reader(context: Any) -> tf.data.Dataset:
        found.append(share_in(context))
        return tf.data.Dataset.range(1)

    strategy.distribute_datasets_from_function(reader)
    return found[0]


class OfEachWorker:
    """Gathers an array of each worker: `(...)` -> `(workers, ...)`, which every worker then knows.

    Every worker must call it, with arrays of one shape that is not empty.

    Args:
        strategy: of the workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy, self._replicas_here = strategy, share_of(strategy).count
        self._gather = tf.function(self._of_each_replica, autograph=False, reduce_retracing=True)

    def __call__(self, value: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._gather(tf.constant(value)).numpy()
        return found[:: self._replicas_here]  # each of a worker's replicas has given it

    def _of_each_replica(self, value: tf.Tensor) -> tf.Tensor:
        return self._strategy.gather(self._strategy.run(lambda: value[tf.newaxis]), 0)


def refuse_workers(strategy: tf.distribute.Strategy) -> None:
    """Raises UserError if a strategy has several workers, with which Keras's `fit` fails."""
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        share = share_of(strategy)
        if share.count < share.replicas:
            raise UserError(
                "received a learner made for several workers, and Keras's fit fails with them "
                "(keras issue 20585); expected tfmeta.train(strategy='multiworker')"
            )


def of_all_rows(
    strategy: tf.distribute.Strategy,
    rows: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """A function of rows, of which each worker computes a part and knows all.

    Args:
        strategy: whose workers share the rows.
        rows: numbers of rows.
        function: rows -> what it makes of them, an array `(rows, ...)`.

    Returns:
        `(rows, ...)`.
    """
    share = share_of(strategy)
    if share.count == share.replicas:
        return function(rows)
    each = -(-len(rows) // (share.replicas // share.count))
    first = share.first // share.count * each
    made = function(rows[first : first + each])
    room = np.zeros((each, *made.shape[1:]), made.dtype)
    room[: len(made)] = made
    gathered, starts = OfEachWorker(strategy), range(0, each, _ROWS_AT_A_TIME)
    of_all = np.concatenate([gathered(room[i : i + _ROWS_AT_A_TIME]) for i in starts], 1)
    return of_all.reshape(-1, *made.shape[1:])[: len(rows)]


class OnReplicas:
    """A function of parts, computed on the replicas of a strategy by turns; traced once.

    Args:
        strategy: of the learner whose variables the function reads.
        function: a part -> a tensor, whose shape is the same for each part.
        parts: a dataset of the parts' numbers -> a dataset of the parts.
        number: how many parts.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        function: Callable[[Any], tf.Tensor],
        *,
        parts: Callable[[tf.data.Dataset], tf.data.Dataset],
        number: int,
    ):
        self._strategy, self._function, self._number = strategy, function, number
        share = self._share = share_of(strategy)
        self._turns = -(-number // share.replicas)

        def reader(context: Any) -> tf.data.Dataset:
            del context
            replicas = np.arange(share.first, share.first + share.count)
            numbers = np.arange(self._turns)[:, np.newaxis] * share.replicas + replicas
            # A replica without a part in the last turn does the last one once more.
            numbers = np.minimum(numbers, number - 1).reshape(-1)
            return parts(tf.data.Dataset.from_tensor_slices(numbers))

        self._parts = strategy.distribute_datasets_from_function(reader)
        self._turn = tf.function(self._on_each, autograph=False, reduce_retracing=True)
        self._gathered = OfEachWorker(strategy)

    def __call__(self) -> np.ndarray:
        """What the function makes of each part, `(parts, ...)`; every worker knows all of it."""
        iterator = iter(self._parts)
        turns = [self._turn(iterator) for _ in range(self._turns)]
        of_here = np.stack([np.stack([each.numpy() for each in turn]) for turn in turns])
        of_all = of_here[np.newaxis]  # (workers, turns, replicas, ...)
        if self._share.count < self._share.replicas:
            of_all = self._gathered(of_here)
        return np.moveaxis(of_all, 0, 1).reshape(-1, *of_here.shape[2:])[: self._number]

    def _on_each(self, iterator: Any) -> Any:
        made = self._strategy.run(self._function, args=(iterator.get_next(),))
        return self._strategy.experimental_local_results(made)
