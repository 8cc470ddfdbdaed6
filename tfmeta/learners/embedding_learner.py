"""What methods share that are trained by episodes to compare embeddings: metric learning."""

from abc import abstractmethod
from typing import Any

import tensorflow as tf

from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.feature_learner import FeatureLearner
from tfmeta.learners.forward_pass import ForwardPass


class EmbeddingLearner(FeatureLearner):
    """A `FeatureLearner` whose training episode is a task: it is answered as `predict_with` does.

    Args: see `FeatureLearner`.
    """

    @abstractmethod
    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        """The loss of a training episode.

        Args:
            embedded: `(support + queries, ...)`, all examples of the episode.
            y: `(support + queries,)`, their labels.
            outputs: `(queries, classes)`, the answers to the queries.
            query_y: `(queries,)`, the labels of the queries.
        """

    def learning_loss(
        self, embedded: tf.Tensor, episode: Any, *, sizes: CommonSizes, forward: ForwardPass
    ) -> tuple[tf.Tensor, tf.Tensor]:
        num_support = tf.shape(episode.support_x)[0]
        y = tf.concat([episode.support_y, episode.query_y], 0)
        task_state = self.summarised(embedded[:num_support], episode.support_y, sizes)
        outputs = self.compare(task_state, embedded[num_support:], forward)
        loss = self.training_loss(embedded, y, outputs=outputs, query_y=episode.query_y)
        return loss, outputs
