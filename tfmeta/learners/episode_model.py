"""Keras's training calls for episodes: what `fit` and its kin take, and what they refuse."""

import keras

from tfmeta.learners import targets, task_losses
from tfmeta.learners.keras_arguments import as_dataset, given
from tfmeta.learners.task_inputs import as_episodes


class EpisodeModel(keras.Model):
    """A `keras.Model` whose batches are meta-batches: Episodes of several tasks.

    `fit`, `evaluate` and `predict` take a `tf.data.Dataset` of Episode, or one Episode of arrays;
    the `*_on_batch` methods one Episode. Of Keras's other arguments each is honoured, or refused by
    its name (`keras_arguments.py` has both lists).
    """

    def compile(self, *args, **kwargs):
        """As `keras.Model.compile`, without `loss_weights`; the optimizer is Adam by default.

        A loss is the mean over a set's examples. `jit_compile="auto"` is XLA for vectorised tasks
        with a head of fixed size: where the answer's size depends on the labels, XLA needs a
        column for each support example.

        Raises:
            ValueError: if an argument or the loss can't be honoured, or the loss is for other
                targets than the learner.
        """
        options = {"optimizer": "adam", **given("compile", args, kwargs)}
        loss = options.get("loss")
        task_losses.check_loss(loss)
        kind = targets.of_loss(loss)
        targets.refuse_other(kind, self._targets, by=f"the loss {getattr(loss, 'name', loss)!r}")
        if options.setdefault("jit_compile", "auto") == "auto":
            vectorised = self.is_vectorised and self.num_outputs is not None
            options["jit_compile"] = vectorised and not options.get("run_eagerly")
        super().compile(**options)
        if not options.get("auto_scale_loss", True):  # which Keras does not save
            self._compile_config.config["auto_scale_loss"] = False

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, *args, **kwargs):
        """As `keras.Model.fit`, of a dataset of Episode, in its own order.

        Raises:
            ValueError: if an argument can't be honoured, or the data are no episodes.
        """
        options = given("fit", args, kwargs)
        options["x"] = as_dataset(self, options.get("x"))
        if options.get("validation_data") is not None:
            validation = as_dataset(self, options["validation_data"], argument="validation_data")
            options["validation_data"] = validation
        return super().fit(**options, shuffle=False)

    def evaluate(self, *args, _use_cached_eval_dataset=False, **kwargs):
        """As `keras.Model.evaluate`, of a dataset of Episode; means are over tasks."""
        options = given("evaluate", args, kwargs)
        if _use_cached_eval_dataset:  # Keras's, from `fit`, which has made sure of the data
            return super().evaluate(**options, _use_cached_eval_dataset=True)
        options["x"] = as_dataset(self, options.get("x"))
        return super().evaluate(**options)

    def predict(self, *args, **kwargs):
        """As `keras.Model.predict`, of a dataset of Episode: `(tasks, queries, outputs)`."""
        options = given("predict", args, kwargs)
        return super().predict(**{**options, "x": as_dataset(self, options.get("x"))})

    def train_on_batch(self, *args, **kwargs):
        """As `keras.Model.train_on_batch`, of an Episode."""
        options = given("train_on_batch", args, kwargs)
        return super().train_on_batch(**{**options, "x": as_episodes(self, options.get("x"))})

    def test_on_batch(self, *args, **kwargs):
        """As `keras.Model.test_on_batch`, of an Episode."""
        options = given("test_on_batch", args, kwargs)
        return super().test_on_batch(**{**options, "x": as_episodes(self, options.get("x"))})

    def predict_on_batch(self, *args, **kwargs):
        """As `keras.Model.predict_on_batch`, of an Episode: `(tasks, queries, outputs)`."""
        options = given("predict_on_batch", args, kwargs)
        return super().predict_on_batch(as_episodes(self, options.get("x")))

    def export(self, filepath, format="tf_saved_model", *, kind="learner", **options):
        """Exports this learner for TensorFlow Serving, as `tfmeta export` does.

        Args:
            filepath: the model's folder; the next free version is made in it.
            format: Keras's; "tf_saved_model" alone.
            kind: "learner", "adapted" or "generator".
            **options: as of `tfmeta.exporting.exporter.export_learner`, `export_adapted` (among
                them `support`) and `export_generator`.

        Returns:
            The version's folder.

        Raises:
            ValueError: if an argument can't be honoured, or the learner not be exported so.
        """
        # Only here do learners know of exports: Keras has given its models this method.
        from tfmeta.exporting.exporter import export_as

        if format != "tf_saved_model":
            raise ValueError(
                f"export received format={format!r}; expected 'tf_saved_model'. For a .tflite file "
                "use tfmeta.exporting.litert, or tfmeta export --format litert"
            )
        return export_as(kind, self, filepath, **options)
