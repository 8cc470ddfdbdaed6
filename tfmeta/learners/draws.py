"""What the random layers of a network draw in training, decided by the number of the episode.

Keras's generators count their draws in a variable, so that each draw depends on all draws before
it. Here a generator's state is computed from the learner's seed, the number of the episode and the
number of the pass through a network. So an episode's draws are the same in a batch of any size, on
any number of devices, and after any resume.
"""

from contextvars import ContextVar
from typing import Any

import tensorflow as tf

from tfmeta.episodes.random_stream import RandomStream

_WORDS = 2  # of the state of one of Keras's generators
_DRAWS_PER_PASS = 2**16  # a generator counts its draws in a pass in the second word


class Draws:
    """The draws of one training episode: layers draw within its body, and rest outside of any.

    It is a context, as Keras's `StatelessScope` is one, so that `adapt` and `predict_with` are the
    same functions in training and after it, also those of a user's own learner.

    Args:
        words: int64 `(2,)`, those of the episode; see `episode_words`.
        states: how many states were made before, a number or a tensor.
    """

    def __init__(self, words: tf.Tensor, states: Any = 0):
        self._words = words
        self._states = states  # how many were made; it differs for each generator in each pass

    def __enter__(self) -> "Draws":
        self._token = _current.set(self)
        return self

    def __exit__(self, *error: Any) -> None:
        _current.reset(self._token)

    def states(self, number: int) -> list[tf.Tensor]:
        """The states, int64 `(2,)`, of so many generators for the next pass through a network."""
        first = tf.cast(self._states, tf.int64)
        self.skip(number)
        zero = tf.zeros((), tf.int64)
        steps = [tf.stack([zero, (first + i) * _DRAWS_PER_PASS]) for i in range(number)]
        return [self._words + step for step in steps]

    def skip(self, number: int) -> None:
        """Leaves out so many states."""
        self._states = self._states + number

    def later(self, number: Any) -> "Draws":
        """The same draws after so many more states, a number or a tensor."""
        return Draws(self._words, self._states + number)


def current_draws() -> Draws | None:
    """Those of the body that runs; None outside of one, where random layers rest."""
    return _current.get()


def episode_words(seed: int, step: Any, num_tasks: Any) -> tf.Tensor:
    """The words of the episodes of a step on this replica, int64 `(tasks, 2)`.

    Args:
        seed: of the learner.
        step: the number of the outer loop's step, from 0.
        num_tasks: in the step on each replica.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    context = tf.distribute.get_replica_context()
    replica = 0 if context is None else context.replica_id_in_sync_group
    share = tf.cast(step, tf.int64) * replicas + tf.cast(replica, tf.int64)
    stream = RandomStream(seed, "layers", _WORDS)
    words = stream.integers(share * tf.cast(num_tasks, tf.int64), num_tasks)
    return tf.cast(words[:, :_WORDS], tf.int64)


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)
