"""What methods share that embed each example and answer from a summary of the support set."""

from abc import abstractmethod
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.learners.class_members import filled_up, membership
from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.moving_averages import MovingAverages
from tfmeta.learners.pairwise import unit_vectors
from tfmeta.learners.support_parts import SupportParts

_MEMORY = "memory"  # of a task state


class FeatureLearner(MetaLearner):
    """Embeds the support set, summarises it, and compares each query with the summary.

    There is no head of a fixed size: the answer has a column for each class of the support set.
    In training, all examples of an episode are normalised together, with their own statistics.
    Moving averages of these statistics normalise everything after training.

    Args:
        network: the embedding, a built `keras.Model`, `(batch, ...) -> (batch, ...)`.
        functions: the `NetworkFunction`s of other networks that the method runs.
        remembers: whether a task state has the support set's features too, as `memory` `(support,
            units)` of unit length, so that `distance_with` can compare queries with them.
    """

    num_outputs = None

    def __init__(
        self,
        network: keras.Model,
        functions: Any = (),
        /,
        *,
        remembers: bool = False,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        self.remembers = remembers
        self.refuse_regression(self._target_kind == VALUES)
        self._target_kind = CLASSES
        self._functions = [self.function, *functions]
        self.moving_averages = MovingAverages.of(self._functions)

    # What a method is

    @abstractmethod
    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        """The task state of a support set.

        Args:
            embedded: `(support, ...)`.
            members: `(support, classes)`, one if the example belongs to the class, else zero.
            sizes: the number of examples that the state of a method that keeps every example has
                room for.
        """

    @abstractmethod
    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """The answer to embedded queries `(queries, ...)`: logits `(queries, classes)`.

        Args:
            task_state: what `summarise` returned.
            embedded: `(queries, ...)`.
            forward: the ForwardPass with which to run another network.
        """

    @abstractmethod
    def learning_loss(
        self, embedded: tf.Tensor, episode: Any, *, sizes: CommonSizes, forward: ForwardPass
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What a training episode is to minimise.

        Args:
            embedded: `(support + queries, ...)`, all examples of the episode.
            episode: an Episode of one task.
            sizes: for `summary`.
            forward: the ForwardPass that embedded the examples.

        Returns:
            `(loss, outputs)`, the outputs for the queries.
        """

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts | None:
        """The parts of the answers, where the method compares with each support example.

        Args:
            task_state: what `summarise` returned, with `members` `(support, classes)` in any case.
            support: the embedded support set `(support, ...)`.
            query: embedded queries `(queries, ...)`.
            forward: the ForwardPass that embedded them.
        """
        return None

    # What follows from it

    def adapt(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[str, Any]:
        forward = ForwardPass(batch_statistics=self.transductive)
        embedded = self._embedded(forward, support_x)
        task_state = self.summarised(embedded, support_y, sizes)
        if not self.remembers:
            return task_state
        return {**task_state, _MEMORY: filled_up(_flat(embedded), sizes)}

    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        forward = ForwardPass(batch_statistics=self.transductive)
        return self.compare(task_state, self._embedded(forward, query_x), forward)

    @property
    def measures_distance(self) -> bool:
        return self.remembers

    def distance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        forward = ForwardPass(batch_statistics=self.transductive)
        query = _flat(self._embedded(forward, query_x))
        cosines = tf.matmul(query, task_state[_MEMORY], transpose_b=True)
        # Rows of zeros, which fill up the memory, have a distance of 2.
        return 2 - 2 * tf.maximum(tf.reduce_max(cosines, -1), 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "remembers": self.remembers}

    def support_parts(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> SupportParts | None:
        forward = ForwardPass(batch_statistics=self.transductive)
        support, query = (self._embedded(forward, x) for x in (support_x, query_x))
        members = membership(support_y, support.dtype)
        task_state = {**self.summarise(support, members, ITS_OWN), "members": members}
        return self.parts(task_state, support, query, forward)

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """The same comparison, of embeddings from Keras. See `MetaLearner.reference_answer`."""
        forward = ForwardPass(batch_statistics=self.transductive)
        with self.plain_network.borrowed() as network:
            embed = partial(network, training=self.transductive)
            support, query = (forward.in_parts(embed, x) for x in (support_x, query_x))
            return self.compare(self.summarised(support, support_y, ITS_OWN), query, forward)

    def task_gradients(
        self, episode: Any, *, sizes: CommonSizes = ITS_OWN
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        forward = ForwardPass(batch_statistics=True)

        def outer_loss() -> tuple[tf.Tensor, tf.Tensor]:
            x = tf.concat([episode.support_x, episode.query_x], 0)
            embedded = self._embedded(forward, x)
            return self.learning_loss(embedded, episode, sizes=sizes, forward=forward)

        gradients, logs = self.gradients_of(outer_loss)
        return gradients, {**logs, "statistics": forward.statistics(self._functions)}

    def summarised(
        self, embedded: tf.Tensor, support_y: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        """The task state of embedded examples `(support, ...)` and their labels `(support,)`."""
        return self.summarise(embedded, membership(support_y, embedded.dtype, sizes), sizes)

    def _embedded(self, forward: ForwardPass, x: tf.Tensor) -> tf.Tensor:
        """The embeddings of examples `(examples, ...)`."""
        return forward.in_parts(lambda some: full(forward(self.function, some)), x)


def _flat(embedded: tf.Tensor) -> tf.Tensor:
    """Embedded examples `(examples, ...)` as vectors of unit length."""
    units = embedded.shape[1:].num_elements()
    return unit_vectors(tf.reshape(embedded, (-1, units)))
