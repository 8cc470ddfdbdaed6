"""Reptile: moves the initialisation towards the weights that each task's training ends with."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.learners.descent import descended
from tfmeta.learners.gradient_learner import GradientLearner
from tfmeta.learners.option_checks import check_at_least, check_positive
from tfmeta.learners.recipe import Recipe

_ADAM_BETA_2, _ADAM_EPSILON = 0.999, 1e-8  # of Kingma and Ba 2015, algorithm 1

# The default rates: for plain gradients ours, for Adam that of section 6.1.
_RATES = {"sgd": 0.4, "adam": 1e-3}


@keras.saving.register_keras_serializable("tfmeta")
class Reptile(GradientLearner):
    """First order without a query set: phi <- phi + epsilon * mean(theta - phi).

    Each task trains from phi to theta by `inner_steps` steps on minibatches of its examples. The
    meta-gradient is phi - theta, so that an outer optimizer of plain SGD at the rate epsilon takes
    the paper's step: algorithm 1 (serial) with a meta-batch of one, algorithm 2 (batched) with
    more. Epsilon falls linearly to zero, as in the paper (the recipe's `outer_schedule`).

    Nichol, Achiam and Schulman 2018, https://arxiv.org/abs/1803.02999.

    Args:
        network: any built `keras.Model`, `(batch, ...) -> (batch, outputs)`.
        inner_steps: steps of the inner loop in training, each on another share of the support set.
            Training should have more shots than testing (section 6.1, `train_shots`).
        inner_learning_rate: of the inner optimizer; by default 0.4 for "sgd" and 0.001 for "adam".
        inner_optimizer: "sgd" or "adam"; Adam has beta1 = 0 as in section 6.1. Each task starts
            without a memory of squared gradients; in the paper's code each task takes over that of
            the one before.
        num_minibatches: the number of shares into which training divides the support set, at most
            one per example. The steps take the shares in turn. `adapt` takes every step on the
            whole support set, so its order doesn't matter.
        test_inner_steps: steps that `adapt` takes outside training; `inner_steps` if None.

    Task state: see `GradientLearner`.

    Raises:
        ValueError: if a number is not positive, or the inner optimizer is neither.

    Example:

    >>> learner = tfmeta.Reptile(tfmeta.networks.mlp((2,), 3))
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.predict_with(task_state, support_x[:1]).shape.as_list()
    [1, 3]
    """

    def __init__(
        self,
        network: keras.Model,
        inner_steps: int = 5,
        *,
        inner_learning_rate: float | None = None,
        inner_optimizer: str = "sgd",
        num_minibatches: int = 5,
        test_inner_steps: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(network, inner_steps, test_inner_steps, **kwargs)
        if self.recompute:
            raise ValueError(
                "received recompute=True; Reptile takes no gradient through its inner loop, and so "
                "keeps no activations of it. Leave it out"
            )
        if inner_optimizer not in _RATES:
            raise ValueError(
                f"received inner_optimizer={inner_optimizer!r}; expected 'adam' or 'sgd'"
            )
        check_at_least(1, num_minibatches=num_minibatches)
        if inner_learning_rate is None:
            inner_learning_rate = _RATES[inner_optimizer]
        check_positive(inner_learning_rate=inner_learning_rate)
        self.inner_learning_rate = inner_learning_rate
        self.inner_optimizer = inner_optimizer
        self.num_minibatches = num_minibatches

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """Section 6.1 and table 4 (Omniglot, 5 ways); for values the authors' demo of sine waves.

        The demo (gist.github.com/joschu/f503500cda64f2ce87c8288906b09e2d) trains on 50 points per
        task in minibatches of 10, with a rate of 0.02. Epsilon falls from 0.1 to 0 over 30,000
        tasks. The demo trains with one pass of five steps and tests with 32 steps. Ours are the 32
        steps in training, the meta-batch and epsilon.
        """
        outer: dict[str, Any] = {
            "outer_optimizer": "sgd",
            "outer_schedule": "linear",
            "outer_learning_rate": 1.0,
        }
        if regression:
            defaults = {"inner_steps": 32, "inner_learning_rate": 0.02, "test_inner_steps": 32}
            return Recipe(
                {**defaults, **options},
                steps=30_000,
                meta_batch=5,
                train_episode={"shots": 50, "queries": 1},
                **outer,
            )
        # Ours, for minutes of training; the paper takes 100,000 steps. The inner loop takes plain
        # gradient steps, because with the paper's Adam every weight moves by its whole rate for any
        # gradient. The outer loop uses Adam on phi - theta, as section 3 of the paper suggests.
        test_inner_steps = 5
        if options.get("inner_optimizer") == "adam":
            test_inner_steps = 50
        else:
            outer |= {"outer_optimizer": "adam", "outer_learning_rate": 3e-3}
        return Recipe(
            {"test_inner_steps": test_inner_steps, **options},
            steps=10_000,
            meta_batch=5,
            train_episode={"shots": 10, "queries": 1},
            **outer,
        )

    def start_rule(self, weights: list[tf.Tensor]) -> Any:
        if self.inner_optimizer == "sgd":
            return ()
        return [tf.zeros_like(weight) for weight in weights]  # Adam's second moments

    def update(
        self,
        weights: list[tf.Tensor],
        gradients: list[tf.Tensor],
        *,
        loss: Any,
        rule: Any,
        step: Any,
    ) -> tuple[list[tf.Tensor], Any]:
        """A step of the inner optimizer; Adam has no first moment (Kingma and Ba 2015)."""
        rates = [self.inner_learning_rate] * len(weights)
        if self.inner_optimizer == "sgd":
            return descended(weights, gradients, rates), rule
        unbias = 1 / (1 - _ADAM_BETA_2 ** (tf.cast(step, self.variable_dtype) + 1))
        pairs = zip(rule, gradients, strict=True)
        rule = [_ADAM_BETA_2 * v + (1 - _ADAM_BETA_2) * g**2 for v, g in pairs]
        scaled = zip(gradients, rule, strict=True)
        gradients = [g / (tf.sqrt(unbias * v) + _ADAM_EPSILON) for g, v in scaled]
        return descended(weights, gradients, rates), rule

    def task_gradients(self, episode: Any) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """phi - theta (algorithm 2, line 7, with the opposite sign). See `MetaLearner`."""
        x, y = episode.support_x, episode.support_y
        # No more shares than examples, because no share may be empty. In episodes of several sizes
        # the number of examples is known only in the graph.
        number = tf.minimum(self.num_minibatches, tf.shape(x)[0])
        if x.shape[0]:
            number = min(self.num_minibatches, x.shape[0])
        # Every n-th example: if the support set is in the order of its classes, each share has all
        # classes.
        turns = [step % number for step in range(self.inner_steps)]
        batches = [(_share(x, turn, number), _share(y, turn, number)) for turn in turns]
        theta, phi = self.inner_loop(batches)
        # The queries are only for the report, so the statistics of one share are good enough.
        state = self.state_with(theta, batches[0][0], self.inner_steps)
        outputs = self.predict_with(state, episode.query_x)
        loss = self.task_loss(episode.query_y, outputs)
        return [p - t for p, t in zip(phi, theta, strict=True)], {"loss": loss, "outputs": outputs}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "inner_learning_rate": self.inner_learning_rate,
            "inner_optimizer": self.inner_optimizer,
            "num_minibatches": self.num_minibatches,
        }


def _share(examples: tf.Tensor, first: Any, number: Any) -> tf.Tensor:
    """Every `number`-th of the examples `(support, ...)`, beginning with `first`."""
    shape = (None, *examples.shape[1:])  # TensorFlow loses it if the step is a tensor
    return tf.ensure_shape(examples[first::number], shape)
