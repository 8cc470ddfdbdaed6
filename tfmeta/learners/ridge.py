"""R2-D2: ridge regression on the support set's features, in closed form."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.class_members import without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.embedding_learner import EmbeddingLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.pairwise import inner_products, unit_vectors
from tfmeta.learners.positive_weights import logarithm_of
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import SupportParts, linear_parts
from tfmeta.learners.task_heads import ridge_dual, ridge_weights


@keras.saving.register_keras_serializable("tfmeta")
class Ridge(EmbeddingLearner):
    """A class's weights are the ridge regression of its membership on the support set's features.

    With the features X `(support, units)` and the one-hot labels Y, equation 6 (the dual form, by
    the Woodbury identity) is W = X' (X X' + lambda I)^-1 Y. What is solved has the size of the
    support set, however many units there are. A query's logits are scale * x W (equation 7). Lambda
    and the scale are learned (section 3.2), as logarithms.

    Bertinetto, Henriques, Torr and Vedaldi 2019, https://arxiv.org/abs/1805.08136. Unlike the
    paper's, features are scaled to unit length, so that one lambda fits any network. The paper's
    learned bias is left out, because one number added to all logits changes no probability.

    An answer is the same to the bit whatever the other queries are. The head is not: matrix
    products and a solver sum in an order that may change with the number of tasks in a batch.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, units)`.
        regularisation: lambda at the start, for features of unit length.
        scale: of the logits at the start.

    Task state: `head` `(classes, units)` and `shots` `(classes,)`.

    Raises:
        ValueError: if a number is not positive.

    Example:

    >>> learner = tfmeta.Ridge(tfmeta.networks.mlp((2,), None))
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        regularisation: float = 0.5,
        scale: float = 20.0,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        self.regularisation, self.scale = regularisation, scale
        self.log_regularisation = self._logarithm("regularisation", regularisation)
        self.log_scale = self._logarithm("scale", scale)

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Episodes of more ways than the test's, as for prototypical networks."""
        cls.refuse_regression(regression)
        return Recipe.of_many_ways(options, ways=20, queries=5, steps=6_000)

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        """Equation 6."""
        x = unit_vectors(embedded)
        head = ridge_weights(x, members, self._strength(x.dtype))
        return {"head": head, "shots": tf.reduce_sum(members, 0)}

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """Equation 7, before its softmax."""
        products = inner_products(unit_vectors(embedded), task_state["head"])
        scale = tf.cast(tf.exp(self.log_scale.value), products.dtype)
        return without_absent(scale * products, task_state["shots"])

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts:
        """Equation 6 has the head as a sum over the support set, and so the logits are one."""
        x = unit_vectors(support)
        dual = ridge_dual(x, task_state["members"], self._strength(x.dtype))
        scale = tf.cast(tf.exp(self.log_scale.value), x.dtype)
        return linear_parts(unit_vectors(query), x, scale * dual)

    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        return self.task_loss(query_y, outputs)

    def _strength(self, dtype: tf.DType) -> tf.Tensor:
        return tf.cast(tf.exp(self.log_regularisation.value), dtype)

    def _logarithm(self, name: str, start: Any) -> Any:
        """A weight: the logarithm of what must stay positive."""
        initializer = keras.initializers.Constant(logarithm_of(name, start))
        return self.add_weight(shape=(), initializer=initializer, name=f"log_{name}")

    def get_config(self) -> dict[str, Any]:
        config = {"regularisation": self.regularisation, "scale": self.scale}
        return {**super().get_config(), **config}
