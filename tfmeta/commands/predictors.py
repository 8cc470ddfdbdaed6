"""What answers `tfmeta predict`: an export, through the C++ loader, or a run."""

import json

import numpy as np

from tfmeta.commands.startup import start_tensorflow
from tfmeta.errors import UserError
from tfmeta.runtime import quiet_tensorflow


class ExportPredictor:
    """An exported model, by the same request that a server would get; no TensorFlow Python.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`.

    Attributes:
        class_names: of an adapted model; None for a learner.
        num_classes: that a learner answers with at most; None for any number.

    Raises:
        UserError: if there is no such export, it is damaged, or it takes no images.
    """

    def __init__(self, path):
        from tfmeta.exporting.c_loader import CLoader, LoaderError
        from tfmeta.exporting.verification import newest_version

        version = newest_version(path)
        try:
            facts = json.loads((version / "tfmeta.json").read_text())
            with quiet_tensorflow():
                self._model = CLoader(version)
        except (OSError, ValueError, LoaderError) as error:
            raise UserError(f"cannot load the export {version}: {error}", exit_status=1) from error
        _need_images(facts["image_format"], path)
        self._is_generator, self._is_padded = facts["kind"] == "generator", facts["padded"]
        self.class_names, self.num_classes = facts["class_names"], facts["num_outputs"]

    def answer(self, support, encoded):
        """`probabilities` `(images, classes)` and `unknown` `(images,)` for encoded images.

        Args:
            support: `(files, labels)`; None for an adapted model.
            encoded: files' contents.
        """
        images = np.array(encoded, object)
        if support is None:
            return self._model.run("predict_bytes", {"x_bytes": images})
        files, labels = support
        task = {
            "support_x_bytes": np.array(files, object)[np.newaxis],
            "support_y": np.array(labels, np.int32)[np.newaxis],
        }
        if self._is_padded:
            task["support_size"] = np.array([len(files)], np.int32)
        queries = {"query_x_bytes": images[np.newaxis]}
        if self._is_generator:
            weights = self._model.run("generate_bytes", task)
            answer = self._model.run("predict_bytes", {**weights, **queries})
        else:
            answer = self._model.run("adapt_and_predict_bytes", {**task, **queries})
        return {name: value[0] for name, value in answer.items()}


class RunPredictor:
    """A run's learner, in Python. As `ExportPredictor`, for `runs/NAME`."""

    class_names = None

    def __init__(self, path):
        from tfmeta.training.run_directory import RunDirectory

        run = RunDirectory.open(path)
        start_tensorflow()
        from tfmeta.training.loading import load

        self._image_format = run.source_facts.image_format
        _need_images(self._image_format, path)
        self._learner = load(path)
        self.num_classes = self._learner.num_outputs

    def answer(self, support, encoded):
        import tensorflow as tf

        from tfmeta.confidence import Confidence
        from tfmeta.images import to_unit

        files, labels = support
        state = self._learner.adapt(
            to_unit(self._image_format.decode_all(tf.constant(files))),
            tf.constant(labels, tf.int32),
        )
        queries = to_unit(self._image_format.decode_all(tf.constant(encoded)))
        logits = self._learner.predict_with(state, queries)
        confidence = Confidence()  # one is fitted when the run is exported
        return {
            "probabilities": confidence.probabilities(logits).numpy(),
            "unknown": confidence.unknown(logits).numpy(),
        }


def _need_images(image_format, path):
    if image_format is None:
        raise UserError(f"{path} takes no images; predict needs a model trained on images")
