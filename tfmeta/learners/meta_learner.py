"""The contract that every learner keeps, and the Keras steps written once for all of them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.episode import Episode
from tfmeta.errors import UserError
from tfmeta.keras_internals import random_seed
from tfmeta.learners import targets as kinds
from tfmeta.learners import task_losses, weight_rules
from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes
from tfmeta.learners.draws import episode_words
from tfmeta.learners.episode_model import EpisodeModel
from tfmeta.learners.execution import mean_gradients
from tfmeta.learners.finite_guard import FiniteGuard
from tfmeta.learners.half_precision import policy_of, refuse_half_weights
from tfmeta.learners.moving_averages import MovingAverages
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.learners.network_probe import described
from tfmeta.learners.option_checks import check_basics
from tfmeta.learners.plain_network import PlainNetwork
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.replica_gradients import shares_of
from tfmeta.learners.target_scale import TargetScale
from tfmeta.learners.task_inputs import as_episodes

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tfmeta's learners run on Keras's TensorFlow backend; received "
        f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow before Keras is imported"
    )


class MetaLearner(EpisodeModel):
    """A model that learns a task from its support set, and is trained to do so well.

    A learner defines three functions of *one* task (no leading tasks dimension): `adapt`,
    `predict_with` and `task_gradients`. Training, evaluation, prediction and every export go
    through the first two. `fit`, `evaluate` and `predict` take a `tf.data.Dataset` of `Episode`,
    each tensor with a leading tasks dimension.

    Training minimises the mean of the compiled loss over the tasks, plus the regularizers of the
    weights; see `weight_rules`.

    Args:
        network: any built `keras.Model`. Its random layers, such as dropout, draw in training only.
        targets: the kind of a task's targets, "classes" (integer labels) or "values" (float
            vectors). None takes the kind from the compiled loss, or else from the first training
            episodes; it is "classes" before there is either.
        transductive: whether to normalise the queries with their own batch statistics, as the
            papers do; an answer then depends on the other queries. By default (inductive) they are
            normalised with the support set's statistics, or with moving averages if the method
            keeps some, and an answer does not depend on other queries.
        vectorised: whether to run the tasks of a batch as one computation (True) or one after
            another on each core (False). "auto" is True for dense networks and on accelerators, but
            False if a layer is a loop, as recurrent layers are.
        target_centre: for targets that are values: what is subtracted from them before the network
            and the loss see them; a number, or one number per output. None subtracts nothing.
            Targets and answers stay in the user's unit.
        target_spread: for targets that are values: what they are then divided by; a number, or one
            number per output. The network and the loss see `(target - centre) / spread`.
        seed: of what random layers draw; None takes that of `keras.utils.set_random_seed`, else 0.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        targets: str | None = None,
        transductive: bool = False,
        vectorised: bool | str = "auto",
        target_centre: float | Sequence[float] | None = None,
        target_spread: float | Sequence[float] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        check_basics(network, vectorised, kwargs)
        refuse_half_weights(network)
        super().__init__(**{**kwargs, "dtype": policy_of(network, kwargs)})
        self.autocast = False  # the network casts its inputs; targets are not cast
        self.network, self.vectorised = network, vectorised
        self.seed = (random_seed() or 0) if seed is None else seed
        self._target_kind = kinds.checked_kind(targets)
        self.transductive = transductive
        self.function = NetworkFunction(network)
        self._functions = [self.function]
        weight_rules.refuse_forward_losses(network)
        if vectorised is True and self.function.loop is not None:
            raise ValueError(
                f"received vectorised=True, but {described(self.function.loop)} is a loop, which "
                "TensorFlow's vectorized_map does not differentiate; expected vectorised=False or "
                "'auto', or the layer with unroll=True"
            )
        self.plain_network = PlainNetwork(network, self.function)
        self.moving_averages = MovingAverages()  # for a method that keeps some
        self.finite_guard = FiniteGuard()
        self.target_scale = TargetScale(target_centre, target_spread)
        if self.target_scale.is_set:
            kinds.refuse_other(kinds.checked_kind("values"), self._target_kind, by="a target scale")
            self.target_scale.check_outputs(self.target_shape[-1] if self.target_shape else None)
        self.built = True  # as the network is; else Keras would call this model on an example

    # What a learner is

    @abstractmethod
    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> dict[str, Any]:
        """Learns one task; changes no variable.

        Args:
            support_x: `(support, ...)`.
            support_y: `(support,)` integer labels, or `(support, outputs)` float targets.

        Returns:
            task_state: a nested dict of tensors, everything that the method keeps of the task.

        A method that answers with one column per class of the support set also takes `sizes`, a
        `CommonSizes`, here and in `task_gradients`.
        """

    @abstractmethod
    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        """Answers a task's queries: `(queries, ...)` -> `(queries, outputs)`, logits or values."""

    @abstractmethod
    def task_gradients(self, episode: Episode) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """One task's meta-gradient.

        Args:
            episode: an Episode of one task.

        Returns:
            `(gradients, logs)`. The gradients are tensors in the order of `trainable_variables`.
            The logs are a dict with the `loss` and the query set's `outputs` `(queries, outputs)`.
            A method that keeps moving averages also returns the `statistics` to be averaged, in the
            order of its variables.
        """

    @classmethod
    @abstractmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """The defaults of training, for the constructor arguments that the user chose."""

    @classmethod
    def refuse_regression(cls, regression: bool) -> None:
        """Raises UserError if a method that needs classes is to learn values."""
        if regression:
            raise UserError(
                f"{cls.__name__} tells classes apart, and this pipeline's targets are values; "
                "expected a learner for both, such as --algorithm maml or hypernetwork"
            )

    def adaptation_path(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[int, Any]:
        """Task states by the number of inner steps; by default only that of `adapt`, under 0."""
        return {0: sizes.given_to(self.adapt)(support_x, support_y)}

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """`predict_with(adapt(...))` computed by Keras alone, for checks; see `PlainNetwork`.

        Returns:
            `(queries, outputs)`; None if the method can't be computed by Keras alone.
        """
        return None

    # What learners share

    @property
    def num_outputs(self) -> int | None:
        """Number of classes (or values) in an answer; None for as many as the support set has."""
        return self.function.output_shape[-1]

    @property
    def mode(self) -> str:
        """How queries are normalised; every protocol names it."""
        return "transductive" if self.transductive else "inductive"

    def task_loss(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The mean loss over a set's examples, by the compiled loss or the default for the targets.

        Args:
            y: `(examples,)` integer labels or `(examples, outputs)` float targets.
            outputs: `(examples, outputs)`.

        Values are in the user's unit, as `predict_with` answers. The loss is in the network's unit.

        Raises:
            ValueError: if targets are labels and the learner has a scale for values.
        """
        if self.target_scale.is_set:
            if not kinds.of_tensor(y).are_values:
                raise ValueError(
                    "received labels and a learner with target_centre or target_spread; these are "
                    "for targets that are values"
                )
            y, outputs = self.target_scale.scaled(y), self.target_scale.scaled(outputs)
        loss = getattr(self, "loss", None)
        if loss is None:
            loss = kinds.default_loss(kinds.of_tensor(y))
        return task_losses.mean_loss(loss, y, outputs)

    def gradients_of(self, outer_loss: Any) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """`task_gradients` for a method that differentiates a loss of the task.

        Args:
            outer_loss: a function without arguments -> `(loss, query outputs)`.
        """
        scale = self._loss_scale
        with tf.GradientTape() as tape:
            loss, outputs = outer_loss()
            scaled = loss if scale is None else loss * tf.cast(scale, loss.dtype)
        # TensorFlow's own variables, because it finds no dtype for a Keras variable without a
        # gradient.
        variables = [variable.value for variable in self.trainable_variables]
        gradients = tape.gradient(scaled, variables, unconnected_gradients="zero")
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # some are sparse
        if scale is not None:
            gradients = [g / tf.cast(scale, g.dtype) for g in gradients]
        return gradients, {"loss": loss, "outputs": outputs}

    def query_gradients(
        self, episode: Episode, **adapt_options: Any
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        """`task_gradients` for a method that differentiates the query loss through `adapt`."""

        def query_loss() -> tuple[tf.Tensor, tf.Tensor]:
            task_state = self.adapt(episode.support_x, episode.support_y, **adapt_options)
            outputs = self.predict_with(task_state, episode.query_x)
            return self.task_loss(episode.query_y, outputs), outputs

        return self.gradients_of(query_loss)

    # Keras's own hooks, for batches of tasks

    def call(self, episodes: Episode) -> Any:
        """The outputs `(tasks, queries, outputs)` for each task's queries after adaptation."""
        return self.map_tasks(self._query_outputs, as_episodes(self, episodes))

    def train_step(self, data: Any) -> Any:
        episodes = self._fit_for_xla(data)
        self._check_trainable()
        sizes = self._common_sizes(episodes)
        num_tasks = tf.shape(episodes.support_x)[0]
        words = episode_words(self.seed, self.optimizer.iterations, num_tasks)
        gradients, statistics, logs = mean_gradients(
            lambda task: self._padded_task_gradients(*task, sizes=sizes),
            (episodes, words),
            variables=[self.trainable_variables, self.moving_averages.variables],
            vectorised=self._runs_vectorised(episodes),
        )
        penalty, of_penalty = weight_rules.penalty_and_gradients(self.trainable_variables)
        if penalty is not None and of_penalty is not None:
            gradients = [g + p for g, p in zip(gradients, of_penalty, strict=True)]
        gradients = shares_of(self.optimizer, gradients)
        averages = self.moving_averages

        def update() -> None:
            averages.update(statistics, self.optimizer.iterations)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))

        self.finite_guard.apply(
            update,
            [*self.trainable_variables, *averages.variables, *self.optimizer.variables],
            loss=logs["loss"],
            gradients=gradients,
            may_overflow=self._may_overflow,
        )
        return self._report(episodes, logs["outputs"], logs["loss"], penalty)

    def test_step(self, data: Any) -> Any:
        episodes = self._fit_for_xla(data)
        outputs, losses = self.map_tasks(self._query_outputs_and_loss, episodes)
        penalty = weight_rules.penalty(self.trainable_variables)
        return self._report(episodes, outputs, losses, penalty)

    def predict_step(self, data: Any) -> Any:
        return self.map_tasks(self._query_outputs, self._fit_for_xla(data))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "targets": self.known_target_kind and self.known_target_kind.name,
            "transductive": self.transductive,
            "vectorised": self.vectorised,
            "seed": self.seed,
            **self.target_scale.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)
