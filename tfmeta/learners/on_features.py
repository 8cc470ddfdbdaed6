"""A learner on the features of a frozen network, which are computed once per example."""

import weakref
from collections.abc import Callable
from typing import Any, cast

import keras
import tensorflow as tf

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError
from tfmeta.learners.common_sizes import ITS_OWN, CommonSizes
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.feature_cache import cached_features
from tfmeta.learners.frozen_layers import freeze
from tfmeta.learners.half_precision import layers_in_half
from tfmeta.learners.inner_change import InnerChange
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.replicas import of_all_rows
from tfmeta.learners.support_parts import SupportParts
from tfmeta.learners.task_model import TaskModel
from tfmeta.networks import input_dtype
from tfmeta.networks.text_encoder import of_less_padding
from tfmeta.networks.within_class_whitening import WithinClassWhitening


def told_apart(network: keras.Model, features: Any) -> Any:
    """Features `(examples, ...)` as `OnFeatures` takes them in place of examples.

    They have one more axis, `(examples, 1, ...)`, where the network makes of an example features of
    the same shape.
    """
    axis = telling_axis(network)
    return features[:, tf.newaxis] if axis else features


def telling_axis(network: keras.Model) -> tuple[int, ...]:
    """`(1,)`, if only one more axis tells the network's features from its examples; else `()`."""
    return (1,) if network.input_shape[1:] == network.output_shape[1:] else ()


@keras.saving.register_keras_serializable("tfmeta")
class OnFeatures(MetaLearner):
    """Any learner, on what a frozen network makes of the examples.

    The frozen network always runs as in inference: dropout rests, and batch normalisation uses its
    own moving averages. So the features of an example depend on the example alone. `adapt`,
    `predict_with` and `task_gradients` take examples, or their features in place of them, as
    `told_apart` returns them; `embedded` computes the features of a whole source once, and training
    and evaluation then only gather them.

    Args:
        network: a built `keras.Model`, `(batch, ...) -> (batch, features)`. It is frozen.
        learner: a MetaLearner whose network takes `(batch, features)`.

    Raises:
        ValueError: if the learner takes other features than the network makes.

    Example:

    >>> network = tfmeta.networks.conv4((28, 28, 1), None)
    >>> features = network.output_shape[1:]
    >>> learner = tfmeta.OnFeatures(network, tfmeta.Ridge(tfmeta.networks.mlp(features, None)))
    """

    def __init__(self, network: keras.Model, learner: keras.Model, **kwargs: Any):
        freeze(network)
        super().__init__(network, vectorised=learner.vectorised, **kwargs)
        made, taken = self.function.output_shape[1:], learner.function.input_shape[1:]
        if tuple(made) != tuple(taken):
            raise ValueError(
                f"received a network that makes features of shape {tuple(made)} and a learner "
                f"whose network takes {tuple(taken)}; expected the same"
            )
        # Of one example's features, as they are given.
        self._given = tf.TensorShape(telling_axis(network) + tuple(made))
        self.learner = learner
        self.transductive = learner.transductive
        self.target_scale = learner.target_scale
        self.moving_averages = learner.moving_averages
        self._target_kind = learner.known_target_kind
        self._sources: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        # As a function, which Keras does not save beside the network.
        self._read = of_less_padding(network)
        examples = tf.TensorSpec((None, *self.function.input_shape[1:]), input_dtype(network))
        # Each is traced once for each precision, however many signatures of an export call it.
        self._embed = {
            (in_half, embed): tf.function(embed, [examples], autograph=False)
            for in_half in (True, False)
            for embed in (self._embed_examples, self._embed_statically)
        }

    # One task

    def adapt(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[str, Any]:
        return sizes.given_to(self.learner.adapt)(self._features(support_x), support_y)

    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        return self.learner.predict_with(task_state, self._features(query_x))

    def support_parts(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> SupportParts | None:
        support_x, query_x = self._features(support_x), self._features(query_x)
        return self.learner.support_parts(support_x, support_y, query_x)

    def inner_change(self, support_x: tf.Tensor, support_y: tf.Tensor) -> InnerChange | None:
        return self.learner.inner_change(self._features(support_x), support_y)

    def task_learner(self) -> TaskModel:
        return self.learner

    def encoded(self, x: tf.Tensor) -> tf.Tensor:
        return self._features(x)

    @property
    def served_variables(self) -> list[Any]:
        return [*self.network.variables, *self.learner.served_variables]

    @property
    def sees_absent_classes(self) -> bool:
        return self.learner.sees_absent_classes

    @property
    def has_variance(self) -> bool:
        return self.learner.has_variance

    def variance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        return self.learner.variance_with(task_state, self._features(query_x))

    @property
    def measures_distance(self) -> bool:
        return self.learner.measures_distance

    def distance_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        return self.learner.distance_with(task_state, self._features(query_x))

    def task_gradients(
        self, episode: Any, *, sizes: CommonSizes = ITS_OWN
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        support_x, query_x = self._features(episode.support_x), self._features(episode.query_x)
        episode = episode._replace(support_x=support_x, query_x=query_x)
        return sizes.given_to(self.learner.task_gradients)(episode)

    def adaptation_path(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, sizes: CommonSizes = ITS_OWN
    ) -> dict[int, Any]:
        path = sizes.given_to(self.learner.adaptation_path)
        return path(self._features(support_x), support_y)

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """The learner's own, on the features that Keras alone computes."""
        with self.plain_network.borrowed() as network:
            support, query = (
                self._features(x) if self._are_features(x.shape[1:]) else network(x)
                for x in (support_x, query_x)
            )
        return self.learner.reference_answer(support, support_y, query)

    def _features(self, x: tf.Tensor) -> Any:
        """Examples `(examples, ...)`, or their features, -> `(examples, features)`."""
        if x.shape.rank is None:  # Keras has traced its step once for both
            raise UserError(
                "received examples and their features by turns; expected one of them after each "
                "compile(), so compile again"
            )
        if self._are_features(x.shape[1:]):
            return tf.squeeze(x, 1) if telling_axis(self.network) else x
        embed = self._embed_statically if self._is_compiled_by_xla else self._embed_examples
        return self._embed[bool(layers_in_half(self.network)), embed](x)

    def _embed_examples(self, x: tf.Tensor) -> tf.Tensor:
        return full(self._read(x)) if self._read else self._embed_statically(x)

    def _embed_statically(self, x: tf.Tensor) -> tf.Tensor:
        function = self.function
        return full(function.with_statistics([], function.moving_statistics(), x))

    # Many tasks

    def embedded(
        self,
        source: EpisodeSource,
        split: str,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> EpisodeSource:
        """The same episodes, with features in place of the examples; computed once per split.

        Args:
            source: of labelled examples, each of the shape that the network takes.
            split: whose examples have features; episodes of others must not be drawn.
            on_progress: called with the number of examples done and of all of them.

        Raises:
            UserError: if the source has no examples that can be embedded once.
        """
        splits = self._sources.setdefault(source, {})
        if split not in splits:
            splits[split] = self._embedded(source, split, on_progress)
        return splits[split]

    def _embedded(self, source: Any, split: str, on_progress: Any) -> ClassSource:
        source.check_embeddable()
        index, rows, strategy = source.index, source.index.rows(split), self.distribute_strategy
        examples = index.examples

        def features_of(part: Any) -> Any:
            return cached_features(
                self.network, examples, rows=part, on_progress=on_progress, strategy=strategy
            )

        features = of_all_rows(strategy, rows, features_of)
        features = told_apart(self.network, features)
        return ClassSource(source.name, index.of_examples(features, rows))

    def as_embedded(self, x: tf.Tensor) -> tf.Tensor:
        return told_apart(self.network, self._features(x))

    def prepare(self, source: EpisodeSource) -> bool:
        """Whitens within the classes, if the learner's network begins so."""
        network = self.learner.network
        found = [each for each in network.layers if isinstance(each, WithinClassWhitening)]
        index = cast(ClassSource, self.embedded(source, "train")).index if found else None
        if index is None:
            return False
        rows = index.rows("train")
        for layer in found:
            before = keras.Model(network.input, layer.input)
            features = self._features(tf.constant(index.examples[rows]))
            layer.fit(before.predict(features, verbose=0), index.labels[rows])
        return True

    def example_shape(self, received: Any) -> tuple[int | None, ...]:
        if self._are_features(received):
            return tuple(self._given)
        return super().example_shape(received)

    def _are_features(self, shape: Any) -> bool:
        return shape.rank == self._given.rank and shape.is_compatible_with(self._given)

    # What the learner decides

    @property
    def method_name(self) -> str:
        return self.learner.method_name

    @property
    def num_outputs(self) -> Any:
        return self.learner.num_outputs

    @property
    def target_shape(self) -> Any:
        return self.learner.target_shape

    @property
    def is_vectorised(self) -> bool:
        return self.learner.is_vectorised

    def tell_targets(self, kind: Any) -> None:
        super().tell_targets(kind)
        self.learner.tell_targets(kind)

    @classmethod
    def recipe(cls, options: dict[str, Any], *, regression: bool) -> Recipe:
        """None of its own: that of the learner on the features."""
        raise NotImplementedError("OnFeatures trains as the learner that it is given")

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As `MetaLearner.compile`, without XLA unless it is asked for."""
        super().compile(*args, **{"jit_compile": False, **kwargs})
        self.learner.compile(optimizer=None, loss=self.loss)
        self.learner.loss_scale_of = lambda: self._loss_scale

    def _runs_vectorised(self, episodes: Any) -> Any:
        """A frozen network runs task by task; its features may run as one computation."""
        shape = tf.TensorShape(episodes.support_x.shape)[2:]
        return super()._runs_vectorised(episodes) and self._are_features(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.Model.get_config(self),
            "seed": self.seed,
            "network": keras.saving.serialize_keras_object(self.network),
            "learner": keras.saving.serialize_keras_object(self.learner),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("network", "learner")
        }
        return cls(**{**config, **parts})
