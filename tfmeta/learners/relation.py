"""Relation networks: learns the comparison too, by a network over pairs of feature maps."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfmeta.learners.class_members import class_means, is_possible, without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.embedding_learner import EmbeddingLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.half_precision import made_under, policy_of
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.learners.network_probe import output_shape
from tfmeta.learners.recipe import Recipe


@keras.saving.register_keras_serializable("tfmeta")
class Relation(EmbeddingLearner):
    """Feature maps of a query and of a class, stacked, go through a network that scores them.

    r = g(C(f(x_i), f(x_j))), from 0 to 1 (equation 1), trained by its squared distance from one
    for a match and from zero for none (equation 2). The maps of a class of several shots are
    averaged; the paper takes their sum, whose scale depends on the shots. The relation module is
    that of section 3.4: two blocks of 64 3x3 filters, 8 hidden units and a sigmoid.

    Sung, Yang, Zhang, Xiang, Torr and Hospedales 2018, https://arxiv.org/abs/1711.06025.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, height,
            width, channels)`.
        filters: number of filters of the relation module.
        hidden_units: number of hidden units of the relation module.

    Task state: `maps` `(classes, height, width, filters)`, the outputs of the half of the relation
    module's first convolution that takes them, and `shots` `(classes,)`.

    Raises:
        ValueError: if the network does not end with feature maps.
    """

    def __init__(
        self, network: keras.Model, *, filters: int = 64, hidden_units: int = 8, **kwargs: Any
    ):
        shape = output_shape(network)
        if len(shape) != 4:
            raise ValueError(
                f"received a network with outputs of shape {shape[1:]}; Relation "
                "compares feature maps (height, width, channels): networks.conv4(..., "
                "num_outputs=None, features='map')"
            )
        with made_under(policy_of(network, kwargs)):
            judge = _judge((*shape[1:3], filters), hidden_units)
        judge_function = NetworkFunction(judge)
        super().__init__(network, [judge_function], **kwargs)
        self.filters = filters
        self.hidden_units = hidden_units
        self.judge, self._judge_function = judge, judge_function
        own = self.dtype_policy
        # A convolution of two stacked maps is the sum of two convolutions, one of each map. So each
        # map goes through it once, and not once for every pair that it belongs to.
        self.query_half, self.class_half = (
            layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name, dtype=own)
            for name in ("query_half", "class_half")
        )
        for half in (self.query_half, self.class_half):
            half.build(shape)

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Section 4.1, trained with more ways than the task has, as in Snell et al. 2017."""
        cls.refuse_regression(regression)
        maps = {"features": "map", "num_blocks": 3}
        return Recipe.of_many_ways(options, ways=20, queries=5, steps=6_500, network_options=maps)

    @property
    def sees_absent_classes(self) -> bool:
        """The relation module's batch statistics are over all columns; see `summarise`."""
        return True

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        shots = tf.reduce_sum(members, 0)
        maps = class_means(embedded, members)
        # Columns without examples hold the classes that there are, each in turn. If the number of
        # columns is a multiple of the classes, the relation module's batch statistics are then the
        # same as without these columns. This is so if XLA has a column for each example of a
        # balanced set.
        columns, is_present = tf.range(tf.shape(shots)[0]), shots > 0
        others = tf.argsort(tf.cast(is_present, tf.int32), direction="DESCENDING", stable=True)
        others = tf.gather(others, columns % tf.reduce_sum(tf.cast(is_present, tf.int32)))
        maps = tf.gather(maps, tf.where(is_present, columns, others))
        return {"maps": full(self.class_half(maps)), "shots": shots}

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """Logarithms of equation 1; their softmax divides the scores by their sum."""
        pairs = full(self.query_half(embedded))[:, tf.newaxis] + task_state["maps"][tf.newaxis]
        shape = tf.shape(pairs)
        logits = forward(self._judge_function, tf.reshape(pairs, (-1, *pairs.shape[2:])))
        scores = tf.math.log_sigmoid(tf.reshape(full(logits), (shape[0], shape[1])))
        return without_absent(scores, task_state["shots"])

    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        """Equation 2."""
        match = tf.one_hot(query_y, tf.shape(outputs)[1], dtype=outputs.dtype)
        of_columns = tf.reduce_mean((tf.exp(outputs) - match) ** 2, 0)
        counts = tf.cast(is_possible(outputs)[0], outputs.dtype)
        return tf.reduce_sum(of_columns * counts) / tf.reduce_sum(counts)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "hidden_units": self.hidden_units,
        }


def _judge(shape: Any, hidden_units: int) -> keras.Model:
    """The relation module after its first convolution: `(pairs, *shape) -> (pairs, 1)`, logits."""
    inputs = x = keras.Input(shape, name="pair")
    for block in (1, 2):
        if block == 2:
            x = layers.Conv2D(shape[-1], 3, padding="same", use_bias=False, name="conv2")(x)
        x = layers.BatchNormalization(name=f"norm{block}")(x)
        x = layers.MaxPooling2D(padding="same", name=f"pool{block}")(layers.ReLU()(x))
    x = layers.Dense(hidden_units, activation="relu", name="hidden")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(1, name="score")(x), name="relation_module")
