"""Model-Agnostic Meta-Learning: an initialisation from which a few gradient steps learn a task."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.descent import descended
from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.learners.moving_averages import MovingAverages
from tfmeta.learners.option_checks import check_at_least, check_positive
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.step_statistics import StepStatistics


@keras.saving.register_keras_serializable("tfmeta")
class MAML(GradientLearner):
    """Model-Agnostic Meta-Learning, second order or first, on all layers or the head alone.

    The inner loop takes `inner_steps` gradient steps on the support loss from the network's
    weights (equation 1); the outer loop moves those weights down the gradient of the query loss
    *through* the inner loop (algorithm 1, line 8). First order drops the second derivatives
    (section 5.2). With `adapt_layers="head"` the inner loop changes only the last layer: ANIL.
    `multi_step_loss_steps`, `learn_rates` and `per_step_statistics` are the tricks of MAML++.

    Finn, Abbeel and Levine 2017, https://arxiv.org/abs/1703.03400;
    Raghu et al. 2020 (ANIL), https://arxiv.org/abs/1909.09157;
    Antoniou, Edwards and Storkey 2019 (MAML++), https://arxiv.org/abs/1810.09502.

    Args:
        network: any built `keras.Model`, `(batch, ...) -> (batch, outputs)`.
        inner_steps: gradient steps of the inner loop in training.
        inner_learning_rate: step size. The support loss is a *mean* over the examples; in the
            original code it is N times as large, so that its rate of 0.4 with 5 ways is 2.0 here.
        first_order: treat the inner gradients as constants.
        adapt_layers: "all", "head" (the last layer that has weights), or a list of layer names, in
            which `*` stands for any part of a name.
        test_inner_steps: steps that `adapt` takes outside training; `inner_steps` if None.
        multi_step_loss_steps: number of outer-loop steps in which the query loss after *every*
            inner step counts. The losses before the last step count less and less. 0 counts the
            last loss only.
        learn_rates: learn a rate for each layer and inner step, from `inner_learning_rate`.
        per_step_statistics: outside training, normalise queries with moving averages of statistics,
            one for each inner step, and not with the statistics of the one support set.

    Task state: see `GradientLearner`.

    Raises:
        ValueError: if a number is not positive, or a layer to adapt is unknown or has no weights.

    Example:

    >>> from tfmeta.pipelines import build
    >>> learner = tfmeta.MAML(tfmeta.networks.mlp(), inner_steps=1, inner_learning_rate=0.01)
    >>> learner.compile(keras.optimizers.Adam(1e-3), keras.losses.MeanSquaredError())
    >>> shape = tfmeta.EpisodeShape(num_ways=1, num_shots=10)
    >>> episodes = build("sinusoid").episodes("train", shape, num_tasks=4)
    >>> history = learner.fit(episodes, steps_per_epoch=2, epochs=3, verbose=0)
    >>> len(history.history["loss"])
    3
    """

    def __init__(
        self,
        network: keras.Model,
        inner_steps: int = 1,
        *,
        inner_learning_rate: float = 0.4,
        first_order: bool = False,
        adapt_layers: str | Sequence[str] = "all",
        test_inner_steps: int | None = None,
        multi_step_loss_steps: int = 0,
        learn_rates: bool = False,
        per_step_statistics: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            network, inner_steps, test_inner_steps, adapt_layers, first_order, **kwargs
        )
        check_positive(inner_learning_rate=inner_learning_rate)
        check_at_least(0, multi_step_loss_steps=multi_step_loss_steps)
        if per_step_statistics and self.transductive:
            raise ValueError(
                "received per_step_statistics=True and transductive=True; transductive queries are "
                "normalised with their own statistics. Choose one"
            )
        if multi_step_loss_steps and self.recompute:
            raise ValueError(
                f"received recompute=True and multi_step_loss_steps={multi_step_loss_steps!r}; the "
                "query loss after every inner step keeps its activations. Choose one"
            )
        self.inner_learning_rate = inner_learning_rate
        self.multi_step_loss_steps = multi_step_loss_steps
        self.learn_rates = learn_rates
        self.per_step_statistics = per_step_statistics
        if learn_rates:
            self.function.keep_as_it_is("has a rate for each of them (learn_rates)")
            self._layer_of, num_layers = _layers(self.function, self.adapted)
            self.rates = self.add_weight(
                shape=(inner_steps, num_layers),
                initializer=keras.initializers.Constant(inner_learning_rate),
                name="inner_rates",
            )
        if per_step_statistics:
            self.function.keep_as_it_is("keeps averages for each of them (per_step_statistics)")
            self.step_statistics = StepStatistics(self, inner_steps)
            self.moving_averages = MovingAverages(lambda: self.step_statistics.averages)

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Sections 5.1 and 5.2: one inner step in training; classification tests with three.

        The outer rate of classification is ours, for a cosine schedule. `docs/decisions.md` says
        what was compared.
        """
        if regression:
            return Recipe({"inner_learning_rate": 0.01, **options}, steps=100_000, meta_batch=25)
        # Only a default of runs: in Python `adapt` takes the steps of training unless it is told.
        steps = max(3, options.get("inner_steps", 1))
        return Recipe(
            {"test_inner_steps": steps, **options},
            steps=6_000,
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
        """Equation 1; with learned rates, equation 4 of MAML++."""
        rates = [self.inner_learning_rate] * len(weights)
        if self.learn_rates:
            row = tf.minimum(step, self.inner_steps - 1)
            of_layers = tf.gather(tf.convert_to_tensor(self.rates), row)
            rates = [of_layers[layer] for layer in self._layer_of]
        return descended(weights, gradients, rates), rule

    def task_gradients(self, episode: Any) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """Algorithm 1, line 8; with a multi-step loss, equation 2 of MAML++."""
        seen: list[Any] | None = [] if self.per_step_statistics else None
        support = (episode.support_x, episode.support_y)
        options: dict[str, Any] = {"inner_steps": self.inner_steps, "seen": seen}

        def outer_loss() -> tuple[tf.Tensor, tf.Tensor]:
            if self.multi_step_loss_steps:
                states = self.states(*support, first=1, **options)
            else:
                states = iter([self.adapt(*support, **options)])
            outputs = [self.predict_with(state, episode.query_x) for state in states]
            losses = tf.stack([self.task_loss(episode.query_y, each) for each in outputs])
            shares = tf.cast(self._step_shares(len(outputs)), losses.dtype)
            return tf.reduce_sum(shares * losses), outputs[-1]

        gradients, logs = self.gradients_of(outer_loss)
        if seen is not None:
            logs = {**logs, "statistics": StepStatistics.rows(seen)}
        return gradients, logs

    def _step_shares(self, number: Any) -> tf.Tensor:
        """How much the loss after each inner step counts, `(number,)` (MAML++, section 4, "MSL").

        At first all count the same. Then the share of the last one grows steadily, until each other
        has 3% of its first share, as in the authors' code.
        """
        if number == 1:
            return tf.ones(1, self.variable_dtype)
        optimizer = getattr(self, "optimizer", None)  # there is none before `compile`
        iterations = 0 if optimizer is None else optimizer.iterations
        done = tf.cast(iterations, self.variable_dtype) / self.multi_step_loss_steps
        others = tf.maximum(1 - done, 0.03) / number * tf.ones(number - 1, self.variable_dtype)
        return tf.concat([others, [1 - tf.reduce_sum(others)]], 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "inner_learning_rate": self.inner_learning_rate,
            "first_order": self.first_order,
            "adapt_layers": self.adapt_layers,
            "multi_step_loss_steps": self.multi_step_loss_steps,
            "learn_rates": self.learn_rates,
            "per_step_statistics": self.per_step_statistics,
        }


def FOMAML(network: keras.Model, inner_steps: int = 1, **options: Any) -> MAML:
    """First-order MAML (section 5.2): `MAML` with `first_order=True`."""
    return MAML(network, inner_steps, first_order=True, **options)


def ANIL(network: keras.Model, inner_steps: int = 1, **options: Any) -> MAML:
    """MAML on the last layer alone (Raghu et al. 2020): `MAML` with `adapt_layers="head"`."""
    return MAML(network, inner_steps, adapt_layers="head", **options)


def _layers(function: Any, positions: Sequence[int]) -> tuple[list[int], int]:
    """The number of the layer of each adapted weight, and how many layers there are."""
    owners = [function.layer_of[position] for position in positions]
    order = list(dict.fromkeys(owners))
    return [order.index(owner) for owner in owners], len(order)
