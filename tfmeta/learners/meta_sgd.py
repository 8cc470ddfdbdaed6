"""Meta-SGD: learns an initialisation, and for each weight the rate of its inner steps."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.descent import descended
from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.learners.option_checks import check_positive
from tfmeta.learners.recipe import Recipe


@keras.saving.register_keras_serializable("tfmeta")
class MetaSGD(GradientLearner):
    """Learning to learn quickly: start, direction and rate of the inner loop are all learned.

    theta' = theta - alpha * gradient, elementwise (equation 3). Theta and alpha are both trained
    with the gradient of the query loss through the step (algorithm 1). A rate may become negative,
    as in the paper; the weight then moves in the opposite direction.

    Li, Zhou, Chen and Li 2017, https://arxiv.org/abs/1707.09835.

    Args:
        network: any built `keras.Model`, `(batch, ...) -> (batch, outputs)`.
        inner_steps: steps of the inner loop in training; the paper takes one.
        inner_learning_rate: every rate's value at the start (the paper draws them from [0.005,
            0.1]).
        test_inner_steps: steps that `adapt` takes outside training; `inner_steps` if None.

    Task state: see `GradientLearner`.

    Raises:
        ValueError: if a number is not positive.
    """

    def __init__(
        self,
        network: keras.Model,
        inner_steps: int = 1,
        *,
        inner_learning_rate: float = 0.4,
        test_inner_steps: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(network, inner_steps, test_inner_steps, **kwargs)
        check_positive(inner_learning_rate=inner_learning_rate)
        self.inner_learning_rate = inner_learning_rate
        self.function.keep_as_it_is("has a rate for each of their weights")
        self.rates = [
            self.add_weight(
                shape=variable.shape,
                initializer=keras.initializers.Constant(inner_learning_rate),
                name=f"rate_{name}",
            )
            for variable, name in zip(
                network.trainable_variables, self.function.weight_names, strict=True
            )
        ]

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Sections 4.1 and 4.2: one inner step, in training and in testing.

        The rates at the start of a regression (the inner rate of MAML's section 5.1), the
        meta-batch and the number of steps are ours. They are the same as MAML's, so that the two
        can be compared.
        """
        if regression:
            defaults = {"inner_learning_rate": 0.01}
            return Recipe({**defaults, **options}, steps=100_000, meta_batch=25)
        return Recipe(
            options,
            steps=4_000,
            meta_batch=32,
            outer_learning_rate=3e-3,
            train_episode={"queries": 1},
        )

    def start_rule(self, weights: list[tf.Tensor]) -> Any:
        return ()

    def update(
        self,
        weights: list[tf.Tensor],
        gradients: list[tf.Tensor],
        *,
        loss: Any,
        rule: Any,
        step: Any,
    ) -> tuple[list[tf.Tensor], Any]:
        """Equation 3."""
        return descended(weights, gradients, self.rates), rule

    def task_gradients(self, episode: Any) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """Algorithm 1. See `MetaLearner.task_gradients`."""
        return self.query_gradients(episode, inner_steps=self.inner_steps)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inner_learning_rate": self.inner_learning_rate}
