"""Meta-LSTM: the inner loop's update rule is an LSTM whose cell state is the task's weights."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.learners.option_checks import check_at_least
from tfmeta.learners.recipe import Recipe

_P = 10.0  # p of the preprocessing (appendix A; Andrychowicz et al. 2016, appendix A)


@keras.saving.register_keras_serializable("tfmeta")
class MetaLSTM(GradientLearner):
    """Optimization as a model for few-shot learning: gates decide what to keep and what to learn.

    theta_t = f_t * theta_(t-1) - i_t * gradient (equation 2, with the candidate -gradient), where
    the forget gate f_t and the input gate i_t (equations 3 and 4) see the gradient, the loss, the
    weight and their own last values. The same small LSTM serves every coordinate (section 3.2).
    The first cell state is learned: it is the network's initialisation. Gradients and losses are
    constants to the outer loop (section 3.3), so the meta-gradient is of first order.

    Ravi and Larochelle 2017, https://openreview.net/forum?id=rJY0-Kcll.

    Args:
        network: any built `keras.Model`, `(batch, ...) -> (batch, outputs)`.
        inner_steps: steps of the inner loop in training.
        inner_learning_rate: the input gate's value at the start; it must be less than one.
        hidden_units: units of the LSTM below the gates (20 in the authors' code).
        test_inner_steps: steps that `adapt` takes outside training; `inner_steps` if None.

    Task state: see `GradientLearner`.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        network: keras.Model,
        inner_steps: int = 5,
        *,
        inner_learning_rate: float = 0.1,
        hidden_units: int = 20,
        test_inner_steps: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(network, inner_steps, test_inner_steps, "all", True, **kwargs)
        if not 0 < inner_learning_rate < 1:
            raise ValueError(
                f"received inner_learning_rate={inner_learning_rate!r}; expected a number between "
                "0 and 1, which the input gate starts from"
            )
        check_at_least(1, hidden_units=hidden_units)
        self.inner_learning_rate = inner_learning_rate
        self.hidden_units = hidden_units
        # In full precision: weights that are multiplied by a rounded forget gate would decay.
        self.cell = keras.layers.LSTMCell(
            hidden_units, name="coordinate_lstm", dtype=self.variable_dtype
        )
        self.cell.build((None, 4))
        # Biases as in section 3.2: at first the gates keep nearly everything and learn slowly.
        self.forget_gate = self._gate("forget_gate", bias=5.0)
        rate = inner_learning_rate
        self.input_gate = self._gate("input_gate", bias=math.log(rate / (1 - rate)))

    def _gate(self, name: str, *, bias: Any) -> Any:
        gate = keras.layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer=keras.initializers.RandomUniform(-0.01, 0.01),
            bias_initializer=keras.initializers.Constant(bias),
            dtype=self.variable_dtype,
            name=name,
        )
        gate.build((None, self.hidden_units + 2))
        return gate

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Section 5.1: five to eight steps; a narrow network, because each weight has an LSTM."""
        if regression:
            # Ours, because the paper has no regression. Error on sinusoid with 8 hidden units after
            # 600 steps of 10 tasks: 2.49 at an outer rate of 1e-3, 0.67 at 5e-3. If tasks run
            # together, the gates of all coordinates do not fit into a core's cache: 12 ms per task,
            # and 8 ms one after another.
            return Recipe(
                {"inner_learning_rate": 0.01, "vectorised": False, **options},
                steps=3_000,
                meta_batch=5,
                outer_learning_rate=5e-3,
            )
        return Recipe(
            options,
            steps=1_500,
            meta_batch=8,
            outer_learning_rate=1e-3,
            train_episode={"queries": 5},
            network_options={"filters": 16},
        )

    def start_rule(self, weights: list[tf.Tensor]) -> Any:
        """The LSTM's output and cell, and both gates' last values; one row per coordinate."""
        flat = _flat(weights)
        wide = tf.tile(tf.zeros_like(flat), (1, self.hidden_units))
        return [wide, wide, tf.ones_like(flat), tf.zeros_like(flat)]

    def update(
        self,
        weights: list[tf.Tensor],
        gradients: list[tf.Tensor],
        *,
        loss: Any,
        rule: Any,
        step: Any,
    ) -> tuple[list[tf.Tensor], Any]:
        """Equations 2 to 4, for all coordinates at once."""
        hidden, cell, forget, learn = rule
        theta, gradient = _flat(weights), _flat(gradients)
        losses = loss * tf.ones_like(gradient)
        inputs = tf.concat([*_preprocessed(gradient), *_preprocessed(losses)], 1)
        hidden, cell = self.cell(inputs, [hidden, cell])[1]
        forget = self.forget_gate(tf.concat([hidden, theta, forget], 1))
        learn = self.input_gate(tf.concat([hidden, theta, learn], 1))
        theta = forget * theta - learn * gradient
        return _like(weights, theta), [hidden, cell, forget, learn]

    def task_gradients(self, episode: Any) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """Algorithm 1, line 14. See `MetaLearner.task_gradients`."""
        return self.query_gradients(episode, inner_steps=self.inner_steps)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "inner_learning_rate": self.inner_learning_rate,
            "hidden_units": self.hidden_units,
        }


def _preprocessed(x: tf.Tensor) -> tf.Tensor:
    """Appendix A: size and sign separately, so that the LSTM sees gradients of any magnitude."""
    large = tf.abs(x) >= math.exp(-_P)
    size = tf.math.log(tf.where(large, tf.abs(x), 1.0)) / _P
    return tf.where(large, size, -1.0), tf.where(large, tf.sign(x), math.exp(_P) * x)


def _flat(tensors: list[tf.Tensor]) -> tf.Tensor:
    """All tensors as one of shape `(coordinates, 1)`."""
    return tf.concat([tf.reshape(t, (-1, 1)) for t in tensors], 0)


def _like(tensors: list[tf.Tensor], flat: Any) -> list[tf.Tensor]:
    """The inverse of `_flat`."""
    parts = tf.split(flat, [math.prod(t.shape) for t in tensors])
    return [tf.reshape(part, t.shape) for part, t in zip(parts, tensors, strict=True)]
