"""What a learner knows of its tasks, and how it runs the tasks of a batch."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.target_kind import CLASSES, TargetKind
from tfmeta.learners import targets as kinds
from tfmeta.learners.acting import LearnerPolicies
from tfmeta.learners.common_sizes import CommonSizes, declares_sizes
from tfmeta.learners.draws import Draws
from tfmeta.learners.execution import has_accelerator, map_tasks
from tfmeta.learners.inner_change import InnerChange
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.learners.padding import is_padded, refilled, unpadded
from tfmeta.learners.support_parts import SupportParts
from tfmeta.learners.task_inputs import as_episodes


class TaskModel(internals.WithoutSymbolicBuild, keras.Model):
    """A `keras.Model` that runs the tasks of a batch, each by itself."""

    _target_kind: TargetKind | None = None  # from the constructor, the loss or the data
    _functions: list[NetworkFunction]  # of every network that it runs

    def __setattr__(self, name: str, value: Any) -> None:
        # What computes is made from the network, so that another one would not count.
        if name == "network" and value is not vars(self).get(name, value):
            raise AttributeError(
                f"a {type(self).__name__} keeps its network; expected another one, made from the "
                "other network. Or set the weights: learner.network.set_weights(...)"
            )
        super().__setattr__(name, value)

    @property
    def targets(self) -> str:
        """The kind of a task's targets, "classes" or "values"."""
        return self.target_kind.name

    @property
    def target_kind(self) -> TargetKind:
        """The kind of a task's targets; "classes" as long as it is not known."""
        return self.known_target_kind or CLASSES

    @property
    def known_target_kind(self) -> TargetKind | None:
        """Like `target_kind`, but None as long as it is not known."""
        return self._target_kind or kinds.of_loss(getattr(self, "loss", None))

    @property
    def has_own_loss(self) -> bool:
        """Whether targets may have another shape than answers: actions, or of a user's own loss."""
        loss = getattr(self, "loss", None)
        kind = kinds.of_loss(loss)
        return loss is not None and (kind is None or not kind.are_right_answers)

    def tell_targets(self, kind: TargetKind) -> None:
        """Sets the kind of targets; raises UserError if the learner knows that it is another."""
        kinds.refuse_other(kind, self.known_target_kind, by=f"targets={kind.name!r}")
        self._target_kind = kind

    def example_shape(self, received: tf.TensorShape) -> tuple[Any, ...]:
        """The shape that an example must have, for one that was received in another."""
        del received
        return self.function.input_shape[1:]

    @property
    def target_shape(self) -> tuple[Any, ...]:
        """The shape of a target that is a value."""
        return self.function.output_shape[1:]

    @property
    def target_columns(self) -> int | None:
        """The numbers in a target that is given to `adapt`; None for labels."""
        if not self.target_kind.are_values:
            return None
        own: int | None = self._of_loss("given_columns")
        return own or self.num_outputs

    def drawn_targets(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Random targets, float32 `(*shape, target_columns)`, for requests that try an export."""
        draw = self._of_loss("drawn")
        if draw is not None:
            return np.asarray(draw(rng, shape), np.float32)
        return rng.normal(size=(*shape, self.target_columns or 1)).astype(np.float32)

    def completed(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """A task's targets, with what the compiled loss works out from all of them together.

        Args:
            x: `(examples, ...)`.
            y: `(examples, ...)`, as they are given to `adapt`.
        """
        complete = self._of_loss("completed")
        return y if complete is None else complete(x, y)

    def _of_loss(self, name: str) -> Any:
        """What the compiled loss says of its targets; None if it says nothing."""
        return getattr(getattr(self, "loss", None), name, None)

    # What a method may have

    @property
    def method_name(self) -> str:
        """The name of the learner's class, as an export states it."""
        return type(self).__name__

    def embedded(
        self,
        source: EpisodeSource,
        split: str,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> EpisodeSource:
        """A source of a split's episodes as this learner takes them; by default as it is.

        What a frozen part makes of the examples may stand in their place. In environments the
        learner acts itself.

        Args:
            source: of the episodes.
            split: whose episodes will be drawn.
            on_progress: called with the number of examples done and of all of them.
        """
        del split, on_progress
        return source.acted_in_by(LearnerPolicies(self))

    def as_embedded(self, x: tf.Tensor) -> tf.Tensor:
        """Examples `(examples, ...)` in the form in which `embedded` has them."""
        return x

    def prepare(self, source: EpisodeSource) -> bool:
        """Sets weights that follow in closed form from the training examples; by default none.

        Args:
            source: of the training split.

        Returns:
            Whether there are such weights.
        """
        del source
        return False

    @property
    def served_variables(self) -> list[Any]:
        """The variables that `adapt` and `predict_with` read, which an export needs."""
        return list(self.variables)

    @property
    def sees_absent_classes(self) -> bool:
        """Whether training's numbers depend on how many classes an answer has room for.

        A batch of tasks with several numbers of classes has room for its largest one, so such a
        task is learned otherwise in another batch.
        """
        return False

    @property
    def has_variance(self) -> bool:
        """Whether an answer comes with its variance, as `variance_with` computes it."""
        return False

    def variance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        """The variance of each answer of `predict_with`, if `has_variance`.

        Args:
            task_state: what `adapt` returned.
            query_x: `(queries, ...)`.

        Returns:
            `(queries, outputs)`, in the square of the user's unit, the noise of targets included.
        """
        raise NotImplementedError(f"{type(self).__name__} has no variance for its answers")

    @property
    def measures_distance(self) -> bool:
        """Whether `distance_with` says how far a query is from the support set."""
        return False

    def distance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        """How far each query is from the support set, if `measures_distance`.

        Args: see `variance_with`.

        Returns:
            `(queries,)`, the squared distance from the nearest support example, of features of unit
            length; 2 at most, which is a right angle.
        """
        raise NotImplementedError(f"{type(self).__name__} does not remember its support set")

    def support_parts(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> SupportParts | None:
        """What each support example adds to the answers, if they are a sum over the support set.

        Args: see `adapt` and `predict_with`.

        Returns:
            Parts whose sum is what `predict_with` answers (for "probability", its exponential);
            None if the method's answer is no such sum.
        """
        return None

    def inner_change(self, support_x: tf.Tensor, support_y: tf.Tensor) -> InnerChange | None:
        """What the inner steps change in the network; None if a method takes none.

        Args: see `adapt`.
        """
        return None

    def task_learner(self) -> "TaskModel":
        """What learns a task from `encoded` examples: the learner itself, if nothing is frozen."""
        return self  # no property, because Keras follows those when it saves

    def encoded(self, x: tf.Tensor) -> tf.Tensor:
        """Examples `(examples, ...)` after the work of a frozen part; `adapt` takes both alike."""
        return x

    # How tasks run

    @property
    def is_vectorised(self) -> bool:
        """Whether tasks run as one computation; this says what "auto" means on this machine."""
        if self.vectorised != "auto":
            return self.vectorised
        has_convolution = any(len(v.shape) > 2 for v in self.network.trainable_variables)
        suits = has_accelerator() or not (has_convolution or self.draws)
        # Without `sizes` the shape of an answer would depend on each task's own labels.
        has_sizes = self.num_outputs is not None or declares_sizes(self.adapt)
        return suits and has_sizes and self.function.loop is None

    @property
    def draws(self) -> bool:
        """Whether layers of its networks draw random numbers in training."""
        return any(function.draws for function in self._functions)

    def map_tasks(self, function: Any, episodes: Episode) -> Any:
        """Applies a function to each task's Episode of a batch, in the way this learner runs tasks.

        A function with an argument `sizes` is given the batch's `CommonSizes`, for `adapt`.
        """
        function = self._common_sizes(episodes).given_to(function)
        return map_tasks(function, episodes, vectorised=self._runs_vectorised(episodes))

    def _common_sizes(self, episodes: Any) -> Any:
        static = self._is_compiled_by_xla and not is_padded(episodes)
        return CommonSizes.of(episodes.support_y, static=static)

    @property
    def _is_compiled_by_xla(self) -> Any:
        is_on_tpu = isinstance(self.distribute_strategy, tf.distribute.TPUStrategy)
        return is_on_tpu or bool(getattr(self, "jit_compile", False))

    def _runs_vectorised(self, episodes: Any) -> Any:
        """Whether these tasks run as one computation; tasks of several sizes run one by one."""
        return self.is_vectorised and not is_padded(episodes)

    def _fit_for_xla(self, data: Any) -> Any:
        """The data for Keras's compiled steps; refuses tasks of several sizes if XLA compiles."""
        episodes = as_episodes(self, data)
        if is_padded(episodes) and self._is_compiled_by_xla:
            raise ValueError(
                "received episodes of several sizes; XLA needs one. compile(jit_compile=False)"
            )
        return episodes

    def _adapt_and_predict(self, episode: Any, sizes: CommonSizes) -> Any:
        task_state = sizes.given_to(self.adapt)(episode.support_x, episode.support_y)
        return self.predict_with(task_state, episode.query_x)

    def _query_outputs(self, task: Any, *, sizes: CommonSizes) -> Any:
        return refilled(self._adapt_and_predict(unpadded(task), sizes), task=task)

    def _query_outputs_and_loss(self, task: Any, *, sizes: CommonSizes) -> Any:
        episode = unpadded(task)
        outputs = self._adapt_and_predict(episode, sizes)
        return refilled(outputs, task=task), self.task_loss(episode.query_y, outputs)

    def _padded_task_gradients(
        self, task: Any, words: tf.Tensor, *, sizes: CommonSizes
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        with Draws(words):
            gradients, logs = sizes.given_to(self.task_gradients)(unpadded(task))
        return gradients, {**logs, "outputs": refilled(logs["outputs"], task=task)}
