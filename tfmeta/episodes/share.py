"""Which episodes of each batch one reader draws, where several readers share it out."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Share:
    """The replicas for which a reader draws; each replica takes the same number of episodes.

    A batch is cut into as many parts, one after the other, as there are replicas. The reader makes
    a batch of its own of each of its replicas' parts.

    Attributes:
        replicas: that share a batch, of all readers.
        first: the number of this reader's first replica.
        count: its replicas.
    """

    replicas: int = 1
    first: int = 0
    count: int = 1

    def tasks(self, meta_batch: int) -> int:
        """Episodes of a batch that each replica takes."""
        return meta_batch // self.replicas

    def starts(self, first: int, meta_batch: int) -> tf.data.Dataset:
        """The number of the first episode in each of the reader's batches, endless.

        Args:
            first: the number of the first episode of all.
            meta_batch: episodes of a batch, of all replicas.
        """
        tasks = self.tasks(meta_batch)
        if self.count == self.replicas:
            return tf.data.Dataset.counter(first, tasks)

        def start(turn: Any) -> Any:
            step, replica = turn // self.count, turn % self.count
            return first + step * meta_batch + (self.first + replica) * tasks

        return tf.data.Dataset.counter().map(start)


WHOLE = Share()
