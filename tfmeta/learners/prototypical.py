"""Prototypical networks: the nearest class mean in a learned space."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.class_members import class_means, without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.embedding_learner import EmbeddingLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.pairwise import squared_distances
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import SupportParts, nearest_mean_parts


@keras.saving.register_keras_serializable("tfmeta")
class Prototypical(EmbeddingLearner):
    """A class is the mean of its embedded examples; a query's logit is minus its squared distance.

    Equations 1 and 2, with the squared Euclidean distance (section 2.3), trained on the negative
    log-probability of the true class (algorithm 1), on more ways than it is tested with (section
    2.6).

    Snell, Swersky and Zemel 2017, https://arxiv.org/abs/1703.05175.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, units)`.

    Task state: `prototypes` `(classes, units)` and `shots` `(classes,)`.

    Example:

    >>> learner = tfmeta.Prototypical(tfmeta.networks.mlp((2,), None))
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Section 3.1: 60-way episodes, but with one query per class; the paper has five.

        In a few minutes of training, three times as many steps help more than more queries.
        """
        cls.refuse_regression(regression)
        return Recipe.of_many_ways(
            options, ways=60, queries=1, steps=12_000, outer_learning_rate=4e-3
        )

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        """Equation 1."""
        return {"prototypes": class_means(embedded, members), "shots": tf.reduce_sum(members, 0)}

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """Equation 2, without its softmax."""
        distances = squared_distances(embedded, task_state["prototypes"])
        return without_absent(-distances, task_state["shots"])

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts:
        return nearest_mean_parts(query, support, task_state["members"])

    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        return self.task_loss(query_y, outputs)
