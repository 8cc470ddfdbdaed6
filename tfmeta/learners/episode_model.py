"""Keras's training calls for episodes: what `fit` and similar calls take and refuse."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.errors import UserError
from tfmeta.learners import targets as kinds
from tfmeta.learners import task_losses, task_metrics
from tfmeta.learners.checked_methods import checked_methods
from tfmeta.learners.keras_arguments import as_dataset, given
from tfmeta.learners.padding import flat_queries, query_weights
from tfmeta.learners.replicas import refuse_workers
from tfmeta.learners.task_inputs import as_episodes, refuse_infinite, structured
from tfmeta.learners.task_model import TaskModel
from tfmeta.learners.unused_hooks import refuse_unused_hooks


class EpisodeModel(TaskModel):
    """A `keras.Model` whose batches are meta-batches: Episodes of several tasks.

    `fit`, `evaluate` and `predict` take a `tf.data.Dataset` of Episode, or one Episode of arrays.
    The `*_on_batch` methods take one Episode. Each other argument of Keras is honoured, or refused
    by its name; `keras_arguments.py` lists both.
    """

    _may_use_xla = False  # whether `jit_compile="auto"` takes XLA where sizes are fixed
    # For a learner whose gradients another one applies: takes nothing, returns its `_loss_scale`.
    loss_scale_of: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        missing = [n for n in dir(cls) if getattr(getattr(cls, n), "__isabstractmethod__", False)]
        if missing:
            raise TypeError(
                f"{cls.__name__} is abstract: it has no {', '.join(missing)}. A learner defines "
                "them all; see MetaLearner"
            )
        return super().__new__(cls, *args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_unused_hooks(cls, EpisodeModel)
        for name, method in checked_methods(dict(vars(cls))).items():
            setattr(cls, name, method)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Like `keras.Model.compile`, without `loss_weights`; the default optimizer is Adam.

        A loss is the mean over a set's examples. `jit_compile="auto"` uses XLA if tasks are
        vectorised, the head has a fixed size, there is one replica, no layer draws random numbers,
        and the dataset says how many examples a task has: XLA compiles anew for each size. Where
        the size of an answer depends on the labels, it would need one column per support example.

        Raises:
            ValueError: if an argument or the loss can't be honoured, or the loss or a metric is for
                the other kind of targets.
        """
        options = {"optimizer": "adam", **given("compile", args, kwargs)}
        loss = options.get("loss")
        task_losses.check_loss(loss)
        kind = kinds.of_loss(loss)
        kinds.refuse_other(kind, self._target_kind, by=f"the loss {getattr(loss, 'name', loss)!r}")
        metrics = [options.get("metrics"), options.get("weighted_metrics")]
        task_metrics.check_metrics(metrics, kind or self._target_kind)
        is_auto = options.setdefault("jit_compile", "auto") == "auto"
        if is_auto:
            is_fixed = self.is_vectorised and self.num_outputs is not None
            one_replica = self.distribute_strategy.num_replicas_in_sync == 1
            eagerly = options.get("run_eagerly")
            options["jit_compile"] = is_fixed and one_replica and not (eagerly or self.draws)
        elif options["jit_compile"] and self.draws:
            raise ValueError(
                "received jit_compile=True and a network with layers that draw random numbers; XLA "
                "draws others for the same seed. Expected jit_compile=False or 'auto'"
            )
        self._may_use_xla = is_auto and options["jit_compile"]
        super().compile(**options)
        if not options.get("auto_scale_loss", True):  # Keras does not save this option
            internals.remember_compiled(self, "auto_scale_loss", False)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.fit`, on a dataset of Episode, in the dataset's own order.

        Raises:
            ValueError: if an argument can't be honoured, the data are no episodes, or there are
                several workers, for which Keras's `fit` is not made.
            NotFiniteError: at the first step whose loss, gradient or update is not finite, unless a
                callback such as `keras.callbacks.TerminateOnNaN` stops there without an error.
        """
        options = given("fit", args, kwargs)
        if not self.compiled:
            raise ValueError("fit was called before compile; call learner.compile(...) first")
        refuse_workers(self.distribute_strategy)
        self.finite_guard.reset()
        options["callbacks"] = self.finite_guard.stopping(options.get("callbacks"))
        options["x"] = as_dataset(self, options.get("x"), for_training=True)
        if options.get("validation_data") is not None:
            validation = as_dataset(self, options["validation_data"], argument="validation_data")
            options["validation_data"] = validation
        self._choose_xla(options["x"], options.get("validation_data"))
        self.ready_for(options["x"].element_spec)
        return super().fit(**options, shuffle=False)

    def ready_for(self, episodes: Any) -> None:
        """Prepares what a training step needs, outside the replicas that share it.

        Args:
            episodes: a batch of episodes, or its specification.
        """
        self._learn_target_kind(episodes)
        self._build_metrics(episodes)
        self._build_optimizer()

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.evaluate`, on a dataset of Episode; means are over tasks."""
        within_fit = kwargs.pop(internals.WITHIN_FIT, False)
        options = given("evaluate", args, kwargs)
        if within_fit:  # `fit` has checked the data
            return super().evaluate(**options, **{internals.WITHIN_FIT: True})
        options["x"] = as_dataset(self, options.get("x"))
        self._choose_xla(options["x"])
        self._build_metrics(options["x"].element_spec)
        return super().evaluate(**options)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.predict`, on a dataset of Episode -> `(tasks, queries, outputs)`."""
        options = given("predict", args, kwargs)
        options["x"] = as_dataset(self, options.get("x"))
        self._choose_xla(options["x"])
        return super().predict(**options)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.train_on_batch`, on an Episode; raises NotFiniteError as `fit` does."""
        options = given("train_on_batch", args, kwargs)
        self.finite_guard.reset()
        episodes = as_episodes(self, options.get("x"))
        self.ready_for(episodes)
        logs = super().train_on_batch(**{**options, "x": episodes})
        self.finite_guard.check()
        return logs

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.test_on_batch`, on an Episode."""
        options = given("test_on_batch", args, kwargs)
        episodes = as_episodes(self, options.get("x"))
        refuse_infinite(**episodes._asdict())
        self._build_metrics(episodes)
        return super().test_on_batch(**{**options, "x": episodes})

    def predict_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.predict_on_batch`, on an Episode -> `(tasks, queries, outputs)`."""
        options = given("predict_on_batch", args, kwargs)
        episodes = as_episodes(self, options.get("x"))
        refuse_infinite(**episodes._asdict())
        return super().predict_on_batch(episodes)

    def add_loss(self, *args: Any, **kwargs: Any) -> None:
        """Always refused: a learner minimises only the loss that `compile` received."""
        raise ValueError(
            "received add_loss, which a learner does not take: its loss is that of a task. Give "
            "compile a loss function, or the network's weights a regularizer"
        )

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Always refused: a learner adapts its weights by gradients, and integers have none."""
        raise ValueError(
            "received quantize, which a learner does not take: no gradient changes integer "
            "weights. For a small file of an adapted model use tfmeta export --format litert"
        )

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        *,
        kind: str = "learner",
        **options: Any,
    ) -> Any:
        """Exports this learner for TensorFlow Serving, as `tfmeta export` does.

        Args:
            filepath: the model's folder; the next free version is made in it.
            format: as in Keras: "tf_saved_model", or "litert" for one file for a device.
            kind: "learner", "adapted" or "generator".
            **options: with "adapted" `support`, the `(x, y)` of its task, and `class_names`; else
                `padded`, whether support sets may be padded, or of a LiteRT file its `ways` and
                `shots`; and those of `ExportOptions` for every kind.

        Returns:
            The version's folder, or the file.

        Raises:
            ValueError: if an argument can't be honoured, or the learner can't be exported with
                these options.
        """
        # The only place where a learner knows of exports, because every Keras model has this
        # method.
        if format == "litert":
            from tfmeta.exporting.writing.litert import export_model
        elif format == "tf_saved_model":
            from tfmeta.exporting.writing.exporter import export_model
        else:
            raise ValueError(
                f"export received format={format!r}; expected one of: tf_saved_model, litert"
            )
        return export_model(self, filepath, kind, **options)

    # What the steps share

    def _choose_xla(self, *datasets: Any) -> None:
        """Sets `jit_compile` to whether each dataset says how many examples a task has."""
        if not self._may_use_xla:
            return
        specs = [tf.nest.flatten(each.element_spec) for each in datasets if each is not None]
        is_fixed = all(spec.shape[1:].is_fully_defined() for each in specs for spec in each)
        if is_fixed != self.jit_compile:  # type: ignore[has-type]
            self.jit_compile = is_fixed
            self.train_function = self.test_function = self.predict_function = None

    @property
    def _loss_scale(self) -> Any:
        """The factor by which the optimizer scales a loss for half precision, or None."""
        if self.loss_scale_of is not None:
            return self.loss_scale_of()
        optimizer, one = getattr(self, "optimizer", None), tf.ones(())
        scale = one if optimizer is None else optimizer.scale_loss(one)
        return None if scale is one else scale

    @property
    def _may_overflow(self) -> Any:
        """Whether a step's gradients may be infinite, which lowers the scale of the loss.

        Keras's LossScaleOptimizer skips such a step, and halves the scale for the next one. At a
        scale of 1 it is no longer the scale that makes them infinite.
        """
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return False
        return self._loss_scale > 1

    def _check_trainable(self) -> None:
        if not self.trainable_variables:
            raise UserError(
                f"nothing is to be trained: every layer of the network {self.network.name!r} is "
                "frozen, or has no weights to train. Set trainable=True on those that training is "
                "to change, and compile again; or train a map of its features (--train head); or "
                "train 0 steps to keep it as it is (--steps 0)"
            )
        if self.optimizer is None:
            raise UserError("compiled with optimizer=None; expected an optimizer to train with")
        if not self.optimizer.built:  # else its scale of the loss would be a constant of the graph
            with tf.init_scope():
                self.optimizer.build(self.trainable_variables)

    def _learn_target_kind(self, episodes: Any) -> None:
        """Takes the kind of targets from the first training episodes if it is not known."""
        self.tell_targets(self.known_target_kind or kinds.of_batch(structured(episodes).support_y))

    def _build_metrics(self, episodes: Any) -> None:
        """Builds the metrics for a batch of episodes, or for its specification."""
        task_metrics.build_metrics(self, structured(episodes).query_y)

    def _build_optimizer(self) -> None:
        """Makes the optimizer's variables; a step that makes them is traced twice."""
        optimizer = self.optimizer
        if optimizer is not None and not optimizer.built and self.trainable_variables:
            with self.distribute_strategy.scope():
                optimizer.build(self.trainable_variables)

    def _report(
        self, episodes: Any, outputs: tf.Tensor, losses: tf.Tensor, penalty: Any
    ) -> dict[str, Any]:
        """The metrics' results; every task counts the same, in a batch of any size.

        Args:
            episodes: of a batch.
            outputs: `(tasks, queries, outputs)`.
            losses: `(tasks,)`.
            penalty: the regularizers' sum, or None.
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
