"""Siamese networks: learns from pairs whether two examples are of one class."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.class_members import class_means, kept_examples, without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.embedding_learner import EmbeddingLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.option_checks import check_positive
from tfmeta.learners.pairwise import squared_distances, weighted_differences
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import SQUARED_DISTANCE, SupportParts, mean_parts

OBJECTIVES = ("contrastive", "logistic", "triplet")
_SMALLEST = 1e-12  # least squared distance of which a root is taken; at 0 it has no slope


@keras.saving.register_keras_serializable("tfmeta")
class Siamese(EmbeddingLearner):
    """One network, two examples, one distance; a query belongs to the class that is nearest to it.

    Training takes every pair of an episode's examples (support and query alike). Objectives:

    - "contrastive": the squared distance of pairs of one class; for pairs of two classes the square
    of what their distance lacks to a margin (Hadsell, Chopra and LeCun 2006, equation 4,
    doi:10.1109/CVPR.2006.100). - "logistic": a weighted L1 distance and a sigmoid say how likely a
    pair is of one class
      (Koch, Zemel and Salakhutdinov 2015, section 3.1).
    - "triplet": an example must be nearer, by a margin, to one of its class than to one of another
    (Schroff et al. 2015, https://arxiv.org/abs/1503.03832); the mean over the triplets where it is
    not (Hermans et al. 2017, https://arxiv.org/abs/1703.07737, "batch all").

    Pairs of one class and pairs of two classes count the same in total, as in Koch et al., though
    there are many more of the latter.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, units)`.
        objective: "triplet", "contrastive" or "logistic".
        margin: the distance that pairs of two classes should have (contrastive), or the difference
            between the two distances (triplet).

    Task state: `support` `(support, units)` and `members` `(support, classes)`.

    Raises:
        ValueError: if the objective is none of these or the margin is not positive.

    Example:

    >>> learner = tfmeta.Siamese(tfmeta.networks.mlp((2,), None))
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        objective: str = "triplet",
        margin: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        if objective not in OBJECTIVES:
            raise ValueError(
                f"received objective={objective!r}; expected one of: {', '.join(OBJECTIVES)}"
            )
        check_positive(margin=margin)
        self.objective = objective
        self.margin = margin
        if objective == "logistic":
            self.judge = keras.layers.Dense(1, name="judge", dtype=self.variable_dtype)
            self.judge.build((None, self.function.output_shape[-1]))

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """All values are ours; `docs/decisions.md` compares the objectives."""
        cls.refuse_regression(regression)
        return Recipe.of_many_ways(options, ways=40, queries=3, steps=2_000)

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        return kept_examples(embedded, members, sizes)

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """The mean similarity to each class's examples."""
        members = task_state["members"]
        is_example = tf.reduce_sum(members, 1)  # one for an example, zero for padding
        similarity = self._similarity(embedded, task_state["support"]) * is_example
        means = class_means(tf.transpose(similarity), members)
        return without_absent(tf.transpose(means), tf.reduce_sum(members, 0))

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts:
        """The similarities, of which a logit is the mean."""
        members, similarity = task_state["members"], self._similarity(query, support)
        is_logit = self.objective == "logistic"
        measured = (similarity, "similarity") if is_logit else (-similarity, SQUARED_DISTANCE)
        return mean_parts(similarity, members, measured)

    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        same_class = tf.cast(y[:, tf.newaxis] == y[tf.newaxis], embedded.dtype)
        itself = tf.eye(tf.shape(y)[0], dtype=embedded.dtype)
        same_class, other_class = same_class - itself, 1 - same_class
        similarity = self._similarity(embedded, embedded)
        if self.objective == "triplet":
            return self._triplet_loss(-similarity, same_class, other_class)
        if self.objective == "contrastive":
            distance = tf.sqrt(tf.maximum(-similarity, _SMALLEST))
            of_same, of_other = -similarity, tf.nn.relu(self.margin - distance) ** 2
        else:
            of_same, of_other = tf.nn.softplus(-similarity), tf.nn.softplus(similarity)
        return (_weighted_mean(of_same, same_class) + _weighted_mean(of_other, other_class)) / 2

    def _similarity(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """The logit of being of one class, or minus the squared distance, `(as, bs)`."""
        if self.objective == "logistic":
            kernel, bias = (tf.cast(v, a.dtype) for v in (self.judge.kernel, self.judge.bias))
            return weighted_differences(a, b, kernel[:, 0]) + bias
        return -squared_distances(a, b)

    def _triplet_loss(self, distance: Any, same_class: Any, other_class: Any) -> tf.Tensor:
        """The mean of what triplets `(anchors, positives, negatives)` lack, where it is above 0."""
        shortfall = self.margin + distance[:, :, tf.newaxis] - distance[:, tf.newaxis]
        shortfall = (
            tf.nn.relu(shortfall) * same_class[:, :, tf.newaxis] * other_class[:, tf.newaxis]
        )
        return _weighted_mean(shortfall, tf.cast(shortfall > 0, shortfall.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "objective": self.objective, "margin": self.margin}


def _weighted_mean(values: Any, weights: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_sum(values * weights) / tf.maximum(tf.reduce_sum(weights), 1)
