"""Keras's training calls for episodes: what `fit` and its kin take, and what they refuse."""

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.learners import targets as kinds
from tfmeta.learners import task_losses, task_metrics
from tfmeta.learners.common_sizes import CommonSizes, declares_sizes
from tfmeta.learners.execution import map_tasks
from tfmeta.learners.keras_arguments import as_dataset, given
from tfmeta.learners.padding import flat_queries, is_padded, query_weights
from tfmeta.learners.task_inputs import (
    as_episodes,
    checked_methods,
    refuse_infinite,
    structured,
)

_NEVER_CALLED = {"compute_loss", "compute_metrics"}  # of Keras's hooks


class EpisodeModel(internals.WithoutSymbolicBuild, keras.Model):
    """A `keras.Model` whose batches are meta-batches: Episodes of several tasks.

    `fit`, `evaluate` and `predict` take a `tf.data.Dataset` of Episode, or one Episode of arrays;
    the `*_on_batch` methods one Episode. Of Keras's other arguments each is honoured, or refused by
    its name (`keras_arguments.py` has both lists).
    """

    _target_kind = None  # what its constructor was told, or it has learned

    def __new__(cls, *args, **kwargs):
        missing = [n for n in dir(cls) if getattr(getattr(cls, n), "__isabstractmethod__", False)]
        if missing:
            raise TypeError(
                f"{cls.__name__} is abstract: it has no {', '.join(missing)}. A learner defines "
                "them all; see MetaLearner"
            )
        return super().__new__(cls, *args, **kwargs)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in _NEVER_CALLED & vars(cls).keys():
            raise TypeError(
                f"{cls.__name__} defines {name}, which the steps of a learner do not call: a "
                "task's loss and metrics are those that compile is given, or task_gradients' own"
            )
        for name, method in checked_methods(vars(cls)).items():
            setattr(cls, name, method)

    @property
    def targets(self) -> str:
        """What a task's targets are, "classes" or "values"."""
        return self.target_kind.name

    @property
    def target_kind(self) -> TargetKind:
        """What a task's targets are, and what follows from it."""
        return self.known_target_kind or kinds.CLASSES

    @property
    def known_target_kind(self) -> TargetKind | None:
        """As `target_kind`; None if the learner has not been told yet."""
        return self._target_kind or kinds.of_loss(getattr(self, "loss", None))

    @property
    def has_own_loss(self) -> bool:
        """Whether the compiled loss is a user's own, which may take targets of any shape."""
        loss = getattr(self, "loss", None)
        return loss is not None and kinds.of_loss(loss) is None

    def tell_targets(self, kind: TargetKind) -> None:
        """Says what the targets are; raises UserError if the learner knows that they are others."""
        kinds.refuse_other(kind, self.known_target_kind, by=f"targets={kind.name!r}")
        self._target_kind = kind

    def compile(self, *args, **kwargs):
        """As `keras.Model.compile`, without `loss_weights`; the optimizer is Adam by default.

        A loss is the mean over a set's examples. `jit_compile="auto"` is XLA for vectorised tasks
        with a head of fixed size on one replica: where the answer's size depends on the labels,
        XLA needs a column for each support example.

        Raises:
            ValueError: if an argument or the loss can't be honoured, or the loss or a metric is for
                other targets than the learner.
        """
        options = {"optimizer": "adam", **given("compile", args, kwargs)}
        loss = options.get("loss")
        task_losses.check_loss(loss)
        kind = kinds.of_loss(loss)
        kinds.refuse_other(kind, self._target_kind, by=f"the loss {getattr(loss, 'name', loss)!r}")
        metrics = [options.get("metrics"), options.get("weighted_metrics")]
        task_metrics.check_metrics(metrics, kind or self._target_kind)
        if options.setdefault("jit_compile", "auto") == "auto":
            is_fixed = self.is_vectorised and self.num_outputs is not None
            one_replica = self.distribute_strategy.num_replicas_in_sync == 1
            eagerly = options.get("run_eagerly")
            options["jit_compile"] = is_fixed and one_replica and not eagerly
        super().compile(**options)
        if not options.get("auto_scale_loss", True):  # which Keras does not save
            internals.remember_compiled(self, "auto_scale_loss", False)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def fit(self, *args, **kwargs):
        """As `keras.Model.fit`, of a dataset of Episode, in its own order.

        Raises:
            ValueError: if an argument can't be honoured, or the data are no episodes.
            NotFiniteError: at the first step whose loss, gradient or update is not finite, unless a
                callback such as `keras.callbacks.TerminateOnNaN` stops there without an error.
        """
        options = given("fit", args, kwargs)
        self.finite_guard.reset()
        options["callbacks"] = self.finite_guard.stopping(options.get("callbacks"))
        options["x"] = as_dataset(self, options.get("x"), for_training=True)
        if options.get("validation_data") is not None:
            validation = as_dataset(self, options["validation_data"], argument="validation_data")
            options["validation_data"] = validation
        self._learn_target_kind(options["x"].element_spec)
        self._build_metrics(options["x"].element_spec)
        return super().fit(**options, shuffle=False)

    def evaluate(self, *args, **kwargs):
        """As `keras.Model.evaluate`, of a dataset of Episode; means are over tasks."""
        within_fit = kwargs.pop(internals.WITHIN_FIT, False)
        options = given("evaluate", args, kwargs)
        if within_fit:  # which has checked the data
            return super().evaluate(**options, **{internals.WITHIN_FIT: True})
        options["x"] = as_dataset(self, options.get("x"))
        self._build_metrics(options["x"].element_spec)
        return super().evaluate(**options)

    def predict(self, *args, **kwargs):
        """As `keras.Model.predict`, of a dataset of Episode: `(tasks, queries, outputs)`."""
        options = given("predict", args, kwargs)
        return super().predict(**{**options, "x": as_dataset(self, options.get("x"))})

    def train_on_batch(self, *args, **kwargs):
        """As `keras.Model.train_on_batch`, of an Episode; raises NotFiniteError as `fit` does."""
        options = given("train_on_batch", args, kwargs)
        self.finite_guard.reset()
        episodes = as_episodes(self, options.get("x"))
        self._learn_target_kind(episodes)
        self._build_metrics(episodes)
        logs = super().train_on_batch(**{**options, "x": episodes})
        self.finite_guard.check()
        return logs

    def test_on_batch(self, *args, **kwargs):
        """As `keras.Model.test_on_batch`, of an Episode."""
        options = given("test_on_batch", args, kwargs)
        episodes = as_episodes(self, options.get("x"))
        refuse_infinite(**episodes._asdict())
        self._build_metrics(episodes)
        return super().test_on_batch(**{**options, "x": episodes})

    def predict_on_batch(self, *args, **kwargs):
        """As `keras.Model.predict_on_batch`, of an Episode: `(tasks, queries, outputs)`."""
        options = given("predict_on_batch", args, kwargs)
        episodes = as_episodes(self, options.get("x"))
        refuse_infinite(**episodes._asdict())
        return super().predict_on_batch(episodes)

    def add_loss(self, *args, **kwargs):
        """Refused: a learner's loss is what `compile` is given; the network has its own rules."""
        raise ValueError(
            "received add_loss, which a learner does not take: its loss is that of a task. Give "
            "compile a loss function, or the network's weights a regularizer"
        )

    def quantize(self, *args, **kwargs):
        """Refused: a learner adapts its weights by gradients, which integers have none of."""
        raise ValueError(
            "received quantize, which a learner does not take: no gradient changes integer "
            "weights. For a small file of an adapted model use tfmeta export --format litert"
        )

    def export(self, filepath, format="tf_saved_model", *, kind="learner", **options):
        """Exports this learner for TensorFlow Serving, as `tfmeta export` does.

        Args:
            filepath: the model's folder; the next free version is made in it.
            format: Keras's; "tf_saved_model" alone.
            kind: "learner", "adapted" or "generator".
            **options: as in `tfmeta.exporting.writing.exporter.export_model`.

        Returns:
            The version's folder.

        Raises:
            ValueError: if an argument can't be honoured, or the learner not be exported so.
        """
        # Only here do learners know of exports: Keras has given its models this method.
        from tfmeta.exporting.writing.exporter import export_model

        if format != "tf_saved_model":
            raise ValueError(
                f"export received format={format!r}; expected 'tf_saved_model'. For a .tflite file "
                "use tfmeta.exporting.writing.litert, or tfmeta export --format litert"
            )
        return export_model(self, filepath, kind, **options)

    # What it takes

    def example_shape(self, received: tf.TensorShape) -> tuple:
        """The shape that an example must have, for one that was received in another."""
        del received
        return self.function.input_shape[1:]

    @property
    def target_shape(self) -> tuple:
        """The shape of a target that is a value."""
        return self.function.output_shape[1:]

    # How tasks run

    @property
    def is_vectorised(self) -> bool:
        """Whether tasks run as one computation; what "auto" stands for on this machine."""
        if self.vectorised != "auto":
            return self.vectorised
        has_convolution = any(len(v.shape) > 2 for v in self.network.trainable_variables)
        may_be = not has_convolution or bool(tf.config.list_physical_devices("GPU"))
        # Without `sizes` an answer's shape would follow from each task's own labels.
        has_sizes = self.num_outputs is not None or declares_sizes(self.adapt)
        return may_be and has_sizes and self.function.loop is None

    def map_tasks(self, function, episodes: Episode):
        """Applies a function to each task's Episode of a batch, as this learner runs tasks.

        A function that declares `sizes` is given the batch's `CommonSizes`, for `adapt`.
        """
        function = self._common_sizes(episodes).given_to(function)
        return map_tasks(function, episodes, vectorised=self._runs_vectorised(episodes))

    def _common_sizes(self, episodes):
        static = self._is_compiled_by_xla and not is_padded(episodes)
        return CommonSizes.of(episodes.support_y, static=static)

    @property
    def _is_compiled_by_xla(self):
        return bool(getattr(self, "jit_compile", False))

    def _runs_vectorised(self, episodes):
        """Tasks of several sizes run one by one."""
        return self.is_vectorised and not is_padded(episodes)

    def _fit_for_xla(self, data):
        """What Keras's compiled steps are given; XLA needs tasks of one size."""
        episodes = as_episodes(self, data)
        if is_padded(episodes) and self._is_compiled_by_xla:
            raise ValueError(
                "received episodes of several sizes; XLA needs one. compile(jit_compile=False)"
            )
        return episodes

    # What the steps share

    @property
    def _loss_scale(self):
        """What the optimizer wants a loss multiplied with, for half precision; None: nothing."""
        optimizer, one = getattr(self, "optimizer", None), tf.ones(())
        scale = one if optimizer is None else optimizer.scale_loss(one)
        return None if scale is one else scale

    def _check_trainable(self):
        if not self.trainable_variables:
            raise UserError(
                f"nothing is to be trained: every layer of the network {self.network.name!r} is "
                "frozen. Set trainable=True on those that training is to change, and compile "
                "again; or train 0 steps to keep it as it is (--steps 0)"
            )
        if self.optimizer is None:
            raise UserError("compiled with optimizer=None; expected an optimizer to train with")

    def _learn_target_kind(self, episodes):
        """From the first training episodes, of a learner that was not told."""
        self.tell_targets(self.known_target_kind or kinds.of_tensor(structured(episodes).support_y))

    def _build_metrics(self, episodes):
        """Of a batch, or its specification."""
        task_metrics.build_metrics(self, structured(episodes).query_y)

    def _report(self, episodes, outputs, losses, penalty):
        """The metrics' results; every task counts the same, whatever batch it is in.

        Args:
            episodes: of a batch.
            outputs: `(tasks, queries, outputs)`.
            losses: `(tasks,)`.
            penalty: of the weights, or None.
        """
        internals.report_losses(self, losses if penalty is None else losses + penalty)
        compiled = internals.compiled_metrics(self)
        if compiled is not None:
            self._build_metrics(episodes)
            y, outputs = flat_queries(episodes, outputs)
            weights = query_weights(episodes)
            for metric in compiled.metrics:
                metric.update_state(y, outputs, sample_weight=weights)
        return self.get_metrics_result()
