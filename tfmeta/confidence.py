"""From logits to a served model's answers: probabilities, and how likely a class is unknown."""

from dataclasses import asdict, dataclass
from typing import Any

import tensorflow as tf

_SMALLEST = 1e-13  # the least odds of which a logarithm is taken
POSSIBLE = -5e8  # a class without an example has a lower logit than this


@dataclass(frozen=True)
class Confidence:
    """How sure an answer is; its numbers are fitted on tasks that were not trained on.

    Probabilities are a softmax of the logits over a temperature (Guo et al. 2017, section 4.2,
    https://arxiv.org/abs/1706.04599). The unknown score is a logistic regression on two numbers:
    the log-odds against the most likely class, and the logit of that class. The logit adds how near
    the query is to the class at all (Vaze et al. 2022, https://arxiv.org/abs/2110.06207, section
    4.2). A learner that remembers its support set adds a third, the query's distance from it (Sun
    et al. 2022, https://arxiv.org/abs/2204.06507, with one neighbour). More doubt, a lower logit
    and a longer distance never make the score lower.

    Attributes:
        temperature: a value above 1 makes answers less sure.
        bias, of_doubt, of_largest, of_distance: weights of the unknown score. By default the score
            is the probability that the most likely class is not the right one.
        report: what was measured with these numbers, and the protocol; None if nothing was fitted.
    """

    temperature: float = 1.0
    bias: float = 0.0
    of_doubt: float = 1.0
    of_largest: float = 0.0
    of_distance: float = 0.0
    report: dict[str, Any] | None = None

    @property
    def unknown_is_doubt(self) -> bool:
        """Whether the unknown score is one minus the largest probability, as by default."""
        weights = (self.bias, self.of_doubt, self.of_largest, self.of_distance)
        return weights == (0.0, 1.0, 0.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Logits `(..., classes)` -> probabilities `(..., classes)`."""
        return tf.nn.softmax(self._scaled(logits))

    def unknown(
        self,
        logits: tf.Tensor,
        *,
        distance: tf.Tensor | None = None,
        is_empty: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Logits `(..., classes)` -> `(...)`, from 0 to 1, how likely the query is of no class.

        It is as if half of all queries were of no class. It is 1 for a query that says nothing:
        one that is empty, or whose logits are the same for all classes.

        Args:
            logits: of the queries.
            distance: `(...)`, of the queries from the support set; None if it does not count.
            is_empty: `(...)`, which of them have no content; None: all have some.
        """
        doubt, largest = self.evidence(logits)
        odds = self.bias + self.of_doubt * doubt + self.of_largest * largest
        if self.of_distance:
            odds += self.of_distance * tf.cast(distance, odds.dtype)
        score = tf.sigmoid(odds)
        says_nothing = _are_equal(logits) if is_empty is None else _are_equal(logits) | is_empty
        return tf.where(says_nothing, tf.ones((), score.dtype), score)

    def evidence(self, logits: tf.Tensor) -> Any:
        """The log-odds against the most likely class, and its logit divided by the temperature."""
        scaled = self._scaled(logits)
        largest = tf.reduce_max(scaled, -1)
        likeliest = tf.one_hot(tf.argmax(scaled, -1), tf.shape(scaled)[-1], dtype=scaled.dtype)
        # The sum of the odds without the most likely class; to subtract 1 from all would round.
        others = tf.exp(scaled - largest[..., tf.newaxis]) * (1 - likeliest)
        return tf.math.log(tf.maximum(tf.reduce_sum(others, -1), _SMALLEST)), largest

    def _scaled(self, logits: tf.Tensor) -> Any:
        return logits * (1 / self.temperature)


def _are_equal(logits: tf.Tensor) -> Any:
    """Whether logits `(..., classes)` are the same for all of several classes with examples."""
    is_possible = logits > POSSIBLE
    largest = tf.reduce_max(logits, -1)
    least = tf.reduce_min(tf.where(is_possible, logits, largest[..., tf.newaxis]), -1)
    return (least == largest) & (tf.reduce_sum(tf.cast(is_possible, tf.int32), -1) > 1)
