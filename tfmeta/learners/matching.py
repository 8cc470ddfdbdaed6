"""Matching networks: a query's label is the attention-weighted mean of the support's labels."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.class_members import class_sums, kept_examples, without_absent
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.embedding_learner import EmbeddingLearner
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.half_precision import made_under
from tfmeta.learners.option_checks import check_at_least, check_positive
from tfmeta.learners.pairwise import inner_products, unit_vectors
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import COSINE, SupportParts

_SMALLEST = 1e-12  # the least probability of which a logarithm is taken


@keras.saving.register_keras_serializable("tfmeta")
class Matching(EmbeddingLearner):
    """P(y | x, S) = sum_i a(x, x_i) y_i, with a softmax over cosine similarities as attention.

    Equation 1 and section 2.1.1. With `full_context` the embeddings depend on the whole support set
    (section 2.1.2 and the appendix): g is a bidirectional LSTM over it, f is an LSTM with read
    attention over it. The paper does not say in which order the set is read. Here the order does
    not depend on the order of the examples, so that permuting the support set changes nothing.

    Vinyals, Blundell, Lillicrap, Kavukcuoglu and Wierstra 2016, https://arxiv.org/abs/1606.04080.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, units)`.
        similarity_scale: factor of the cosine before the softmax. With the paper's factor of 1 a
            perfect match of 5 ways has a probability of at most 0.65, and training on many ways
            needs higher ones.
        full_context: whether to use full context embeddings.
        read_steps: number of steps of f's LSTM.

    Task state: `support` `(support, units)` and `members` `(support, classes)`.

    Raises:
        ValueError: if a number is not positive.

    Example:

    >>> learner = tfmeta.Matching(tfmeta.networks.mlp((2,), None))
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        similarity_scale: float = 20.0,
        full_context: bool = False,
        read_steps: int = 5,
        **kwargs: Any,
    ):
        if full_context:
            # The LSTM over the support set is a loop, and loops cannot be batched.
            if kwargs.get("vectorised", "auto") is True:
                raise ValueError("received vectorised=True; expected False with full_context=True")
            kwargs["vectorised"] = False
        super().__init__(network, **kwargs)
        check_positive(similarity_scale=similarity_scale)
        check_at_least(1, read_steps=read_steps)
        self.similarity_scale = similarity_scale
        self.full_context = full_context
        self.read_steps = read_steps
        if full_context:
            units = self.function.output_shape[-1]
            with made_under(self.dtype_policy):
                self.support_lstm = keras.layers.Bidirectional(
                    keras.layers.LSTM(units, return_sequences=True), merge_mode="sum", name="g"
                )
                self.read_cell = keras.layers.LSTMCell(units, name="f")
            self.support_lstm.build((None, None, units))
            self.read_cell.build((None, 2 * units))

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """The task of section 4.1.1, trained with more ways, as in Snell et al. 2017."""
        cls.refuse_regression(regression)
        return Recipe.of_many_ways(options, ways=60, queries=5, steps=4_400)

    def summarise(
        self, embedded: tf.Tensor, members: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        embedded = self._in_context(embedded) if self.full_context else embedded
        return kept_examples(embedded, members, sizes)

    def compare(
        self, task_state: dict[str, Any], embedded: tf.Tensor, forward: ForwardPass
    ) -> tf.Tensor:
        """Logarithms of equation 1; their softmax is the paper's probability."""
        members = task_state["members"]
        attention, _ = self._attention(task_state, embedded, forward)
        probabilities = tf.transpose(class_sums(tf.transpose(attention), members))
        return without_absent(tf.math.log(probabilities + _SMALLEST), tf.reduce_sum(members, 0))

    def parts(
        self, task_state: dict[str, Any], support: tf.Tensor, query: tf.Tensor, forward: ForwardPass
    ) -> SupportParts:
        """Equation 1 itself: the attention, of which a class's probability is the sum."""
        attention, cosine = self._attention(task_state, query, forward)
        parts = attention[:, :, tf.newaxis] * task_state["members"][tf.newaxis]
        rest = tf.zeros_like(parts[:, 0])
        return SupportParts(parts, rest, "probability", parts, cosine, COSINE)

    def _attention(self, task_state: dict[str, Any], embedded: Any, forward: Any) -> Any:
        """a(x, x_i) and the cosines that it is a softmax of, each `(queries, support)`."""
        support, members = task_state["support"], task_state["members"]
        counts = tf.reduce_sum(members, 1)  # one for an example, zero for a row that is none
        if self.full_context:
            embedded = self._read(embedded, support, counts)
        queries, examples = unit_vectors(embedded), unit_vectors(support)
        if forward.batch_statistics:  # in training a query depends on the others anyway
            cosine = tf.matmul(queries, examples, transpose_b=True)
        else:
            cosine = inner_products(queries, examples)
        return tf.nn.softmax(without_absent(self.similarity_scale * cosine, counts)), cosine

    def training_loss(
        self, embedded: tf.Tensor, y: tf.Tensor, *, outputs: tf.Tensor, query_y: tf.Tensor
    ) -> tf.Tensor:
        return self.task_loss(query_y, outputs)

    def _in_context(self, embedded: tf.Tensor) -> tf.Tensor:
        """g(x_i, S), appendix A.2: the sum of both directions' outputs and the embedding."""
        order = tf.argsort(tf.reduce_sum(embedded, -1))
        read = full(self.support_lstm(tf.gather(embedded, order)[tf.newaxis]))[0]
        return embedded + tf.gather(read, tf.argsort(order))

    def _read(self, embedded: tf.Tensor, support: Any, counts: Any) -> tf.Tensor:
        """f(x, S), appendix A.1, equations 3 to 6."""
        hidden = cell = tf.zeros_like(embedded)
        mean = tf.matmul(counts[tf.newaxis], support) / tf.reduce_sum(counts)
        read = cell + mean  # equations 5 and 6 for h_0 = 0
        for _ in range(self.read_steps):
            _, states = self.read_cell(tf.concat([embedded, read], 1), [hidden, cell])
            hidden, cell = map(full, states)
            hidden = hidden + embedded
            attention = without_absent(tf.matmul(hidden, support, transpose_b=True), counts)
            read = tf.nn.softmax(attention) @ support
        return hidden

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "similarity_scale": self.similarity_scale,
            "full_context": self.full_context,
            "read_steps": self.read_steps,
        }
