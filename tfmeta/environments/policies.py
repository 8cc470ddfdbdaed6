"""The policies of a learner, as a source of environments uses them to act."""

from typing import Any, Protocol

import tensorflow as tf


class Policies(Protocol):
    """What a learner does in environments: it acts before and after it has learned a task.

    Attributes:
        num_replicas: how many devices share the learner's work.
    """

    num_replicas: int

    def before(self, observations: tf.Tensor) -> tf.Tensor:
        """The answers before any adaptation, `(tasks, rows, outputs)`.

        Args:
            observations: `(tasks, rows, ...)`.
        """

    def adapted(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, in_training: bool
    ) -> dict[int, Any]:
        """Each task's states, by the number of inner steps.

        Args:
            support_x, support_y: `(tasks, support, ...)`.
            in_training: whether to return only the state from which a training step takes its
                queries.
        """

    def after(self, states: Any, observations: tf.Tensor) -> tf.Tensor:
        """The answers of some task states `(tasks, ...)`; see `before`."""
