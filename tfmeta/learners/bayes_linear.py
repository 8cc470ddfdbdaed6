"""ALPaCA: Bayesian linear regression on learned features, with a learned prior."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.target_kind import CLASSES, VALUES
from tfmeta.learners import linear_posterior as posterior
from tfmeta.learners.class_members import membership, without_absent
from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.keras_arguments import given
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.moving_averages import MovingAverages
from tfmeta.learners.pairwise import inner_products
from tfmeta.learners.positive_weights import logarithm_of
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.support_parts import SupportParts
from tfmeta.learners.targets import refuse_other
from tfmeta.learners.task_losses import as_loss, is_mean_squared_error

# How much faster than other weights the noise is learned. Adam moves a weight by about its rate,
# but the noise must follow the error over many orders of magnitude. Intervals are too wide if it
# lags behind.
_NOISE_PACE = 10.0


@keras.saving.register_keras_serializable("tfmeta")
class BayesLinear(MetaLearner):
    """A task is a linear regression on the network's features, with a prior from all tasks.

    With the features X `(support, features)`, a constant among them, the targets Y and the noise
    variance s, the weights of a task are a priori normal, with the mean K0 and the covariance
    s * C C'. A posteriori (equations 6 and 7, there with the precision in place of the covariance)
    they have the covariance s * C (I + C'X'X C)^-1 C' and the mean
    K0 + C (I + C'X'X C)^-1 C'X' (Y - X K0). An answer is normal too, so it has a variance
    (equation 8). K0, the Cholesky factor C, s and the network are learned: training minimises the
    mean negative log density of the queries' targets (equation 13).

    With classes as targets, Y is one-hot, each class has the same prior, and the logits are the
    posterior mean times a learned scale. Training minimises the compiled loss.

    Harrison, Sharma and Pavone 2018, https://arxiv.org/abs/1807.08912.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, features)`.
        num_outputs: how many values a target has; None if targets are classes.
        noise_variance: s at the start, for targets of a variance of about one.
        scale: of the logits at the start.

    Task state: `mean` `(features + 1, outputs)`; for values `factor` `(features + 1,
    features + 1)`, for classes `shots` `(classes,)`.

    Raises:
        ValueError: if a number is not positive, or the network does not end with a vector.

    Example:

    >>> learner = tfmeta.BayesLinear(tfmeta.networks.mlp((2,), None), num_outputs=1)
    >>> support_x, support_y = np.eye(3, 2, dtype=np.float32), np.ones((3, 1), np.float32)
    >>> task_state = learner.adapt(support_x, support_y)
    >>> learner.variance_with(task_state, support_x[:1]).shape.as_list()
    [1, 1]
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        num_outputs: int | None = None,
        noise_variance: float = 0.1,
        scale: float = 10.0,
        **kwargs: Any,
    ):
        self._num_outputs = num_outputs  # first, because the base class asks for it
        super().__init__(network, **kwargs)
        if num_outputs is None and self._target_kind == VALUES:
            raise ValueError(
                "received targets='values' without num_outputs; expected the number of values that "
                "a target has, such as num_outputs=1"
            )
        kind = CLASSES if num_outputs is None else VALUES
        refuse_other(kind, self._target_kind, by=f"num_outputs={num_outputs!r}")
        self._target_kind = kind
        self.noise_variance, self.scale = noise_variance, scale
        if len(self.function.output_shape) != 2:
            raise ValueError(
                f"received a network with outputs of shape {self.function.output_shape}; expected "
                "(batch, features)"
            )
        self.moving_averages = MovingAverages.of([self.function])
        size, columns = self.function.output_shape[-1] + 1, num_outputs or 1
        self.prior_mean = self._weight("prior_mean", (size, columns))
        self.prior_factor = self._weight("prior_factor", (size, size))
        if kind == VALUES:
            start = logarithm_of("noise_variance", noise_variance) / _NOISE_PACE
            self.noise_exponent = self._weight("noise_exponent", (columns,), start)
        else:
            self.log_scale = self._weight("log_scale", (), logarithm_of("scale", scale))

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """For values all settings are ours."""
        if not regression:
            return Recipe.of_many_ways(options, ways=20, queries=5, steps=6_000)
        return Recipe(
            options,
            steps=4_000,
            outer_learning_rate=3e-3,
            network_options={"units": (64, 64), "linear_path": True},
            has_head=False,
            learner_has_head=True,
        )

    @property
    def num_outputs(self) -> int | None:
        return self._num_outputs

    @property
    def target_shape(self) -> tuple[int, ...]:
        return () if self._num_outputs is None else (self._num_outputs,)

    @property
    def has_variance(self) -> bool:
        return self._num_outputs is not None

    @property
    def log_noise_variance(self) -> tf.Tensor:
        """The logarithm of s, `(outputs,)`, in the unit of the scaled targets."""
        return _NOISE_PACE * self.noise_exponent.value

    def assign_noise(self, variance: Any) -> None:
        """Sets s, `(outputs,)`, in the unit of the scaled targets."""
        self.noise_exponent.assign(tf.math.log(tf.cast(variance, tf.float32)) / _NOISE_PACE)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As `MetaLearner.compile`; for values the only loss is the mean squared error, or None.

        Either stands for the negative log density, which training minimises. `evaluate` reports
        the mean squared error. "auto" is without XLA, whose Cholesky factors take four times as
        long on a CPU.

        Raises:
            ValueError: if it is another loss.
        """
        options = given("compile", args, kwargs)
        if options.setdefault("jit_compile", "auto") == "auto":
            options["jit_compile"] = False
        loss = options.get("loss")
        if self.has_variance and not is_mean_squared_error(loss):
            raise ValueError(
                f"received the loss {as_loss(loss).name!r}; BayesLinear learns values by the "
                "density of the targets. Expected loss=None or 'mse'"
            )
        super().compile(**options)

    # One task

    def adapt(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[str, Any]:
        forward = ForwardPass(batch_statistics=self.transductive)
        return self._posterior(self._features(forward, support_x), support_y, sizes)

    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        forward = ForwardPass(batch_statistics=self.transductive)
        return self._answer(task_state, self._features(forward, query_x))

    def variance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        forward = ForwardPass(batch_statistics=self.transductive)
        variance = self._variance(task_state, self._features(forward, query_x))
        return self.target_scale.restored_variance(variance)

    def support_parts(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> SupportParts:
        """Equation 6 adds to the prior mean what each example's target was off by, weighted."""
        forward = ForwardPass(batch_statistics=self.transductive)
        support, query = (self._features(forward, x) for x in (support_x, query_x))
        y, prior = self._targets(support_y, support.dtype, ITS_OWN), self._prior(support.dtype)
        found = posterior.evidence(support, y, prior)
        covariances, rest = posterior.prediction_parts(query, found, prior)
        surprise = tf.cast(found.surprise, rest.dtype)
        if self.has_variance:
            weights = self.target_scale.restored_difference(surprise)
            rest, of = self.target_scale.restored(rest), "value"
        else:
            factor = tf.cast(tf.exp(self.log_scale.value), rest.dtype)
            weights, rest, of = factor * surprise, factor * rest, "logit"
        parts = covariances[:, :, tf.newaxis] * weights[tf.newaxis]
        weights = tf.broadcast_to(weights[tf.newaxis], tf.shape(parts))
        rest = tf.broadcast_to(rest, tf.shape(parts[:, 0]))
        return SupportParts(parts, rest, of, weights, covariances, "covariance")

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """The same regression, on features from Keras. See `MetaLearner.reference_answer`."""
        with self.plain_network.borrowed() as network:
            support, query = (
                _with_constant(network(x, training=self.transductive)) for x in (support_x, query_x)
            )
            return self._answer(self._posterior(support, support_y, ITS_OWN), query)

    def task_gradients(
        self, episode: Any, *, sizes: CommonSizes = ITS_OWN
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        forward = ForwardPass(batch_statistics=True)
        num_support = tf.shape(episode.support_x)[0]

        def outer_loss() -> tuple[tf.Tensor, tf.Tensor]:
            x = tf.concat([episode.support_x, episode.query_x], 0)
            support, query = tf.split(
                self._features(forward, x), [num_support, tf.shape(x)[0] - num_support]
            )
            task_state = self._posterior(support, episode.support_y, sizes)
            outputs = self._answer(task_state, query)
            if not self.has_variance:
                return self.task_loss(episode.query_y, outputs), outputs
            variance = self._variance(task_state, query)
            return self._negative_log_density(episode.query_y, outputs, variance), outputs

        gradients, logs = self.gradients_of(outer_loss)
        return gradients, {**logs, "statistics": forward.statistics([self.function])}

    # What it consists of

    def _features(self, forward: ForwardPass, x: tf.Tensor) -> tf.Tensor:
        return _with_constant(forward(self.function, x))

    def _posterior(
        self, features: tf.Tensor, support_y: tf.Tensor, sizes: CommonSizes
    ) -> dict[str, Any]:
        """Equations 6 and 7; see the class for their form here."""
        dtype = features.dtype
        y = self._targets(support_y, dtype, sizes)
        prior = self._prior(dtype)
        found = posterior.evidence(features, y, prior)
        mean = posterior.mean(found, prior)
        if not self.has_variance:
            return {"mean": mean, "shots": tf.reduce_sum(y, 0)}
        return {"mean": mean, "factor": posterior.factor(found, prior)}

    def _targets(self, support_y: tf.Tensor, dtype: tf.DType, sizes: CommonSizes) -> tf.Tensor:
        """Y, `(support, outputs)`, in the unit of the scaled targets."""
        if self.has_variance:
            return tf.cast(self.target_scale.scaled(support_y), dtype)
        return membership(support_y, dtype, sizes)

    def _answer(self, task_state: dict[str, Any], features: tf.Tensor) -> tf.Tensor:
        """Values in the user's unit, or logits: `(queries, outputs)`."""
        products = inner_products(features, tf.transpose(task_state["mean"]))
        if self.has_variance:
            return self.target_scale.restored(products)
        scale = tf.cast(tf.exp(self.log_scale.value), products.dtype)
        return without_absent(scale * products, task_state["shots"])

    def _variance(self, task_state: dict[str, Any], features: tf.Tensor) -> tf.Tensor:
        """Equation 8: `(queries, outputs)`, in the unit of the scaled targets."""
        of_weights = tf.matmul(features, task_state["factor"], transpose_b=True)
        noise = tf.cast(tf.exp(self.log_noise_variance), features.dtype)
        return (1 + tf.reduce_sum(of_weights**2, -1, keepdims=True)) * noise

    def _negative_log_density(
        self, y: tf.Tensor, outputs: tf.Tensor, variance: tf.Tensor
    ) -> tf.Tensor:
        """Equation 13, for one task: the mean over its queries and outputs."""
        error = self.target_scale.scaled(y) - self.target_scale.scaled(outputs)
        error = tf.cast(error, variance.dtype)
        return tf.reduce_mean(error**2 / variance + tf.math.log(2 * math.pi * variance)) / 2

    def _prior(self, dtype: tf.DType) -> posterior.Prior:
        """K0 and C, which is lower triangular, with a positive diagonal."""
        free = tf.cast(self.prior_factor.value, dtype)
        diagonal = tf.exp(tf.linalg.diag_part(free))
        factor = tf.linalg.set_diag(tf.linalg.band_part(free, -1, 0), diagonal)
        return posterior.Prior(tf.cast(self.prior_mean.value, dtype), factor)

    # Its weights

    def _weight(self, name: str, shape: tuple[int, ...], start: float = 0.0) -> Any:
        initializer = keras.initializers.Constant(start)
        return self.add_weight(shape=shape, initializer=initializer, name=name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_outputs": self._num_outputs,
            "noise_variance": self.noise_variance,
            "scale": self.scale,
        }


def _with_constant(features: tf.Tensor) -> tf.Tensor:
    """Features `(examples, features)` with a constant feature beside them, in full precision."""
    features = full(features)
    return tf.concat([features, tf.ones((tf.shape(features)[0], 1), features.dtype)], 1)
