"""What answers `tfmeta.predict`: an export, through the C++ loader, or a run."""

from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import PROBABILITIES, UNKNOWN
from tfmeta.exporting.loading import answering
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.runtime import start_tensorflow
from tfmeta.user_files import AnyPath

Support = tuple[list[bytes], list[int]]  # files' contents, and their labels


class ExportPredictor:
    """An exported model, by the same request that a server would get, in a process of its own.

    No TensorFlow Python runs, and a model that brings its process down does not end this one.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`.
        timeout: seconds that an answer may take.

    Attributes:
        is_adapted: whether its support set is baked in.
        num_classes: that a learner answers with at most; None for any number.

    Raises:
        UserError: if there is no such export, it is damaged, or it takes no images.
    """

    def __init__(self, path: AnyPath, *, timeout: float):
        self._version, self._timeout = newest_version(path), timeout
        try:
            manifest = Manifest.read(self._version)
        except UserError as error:
            raise UserError(
                f"cannot load the export {self._version}: {error}", exit_status=1
            ) from error
        _need_images(manifest.image_format, path)
        self.is_adapted = not manifest.export_kind.takes_support
        self.num_classes = manifest.num_outputs

    def answer(self, support: Support | None, encoded: list[bytes]) -> dict[str, Any]:
        """`class_names`, `probabilities` `(images, classes)` and `unknown` `(images,)`.

        Args:
            support: `(files, labels)`; None for an adapted model.
            encoded: files' contents.
        """
        return answering.answer(self._version, support, encoded, timeout=self._timeout)


class RunPredictor:
    """A run's learner, in Python. As `ExportPredictor`, for `runs/NAME`."""

    is_adapted = False

    def __init__(self, path: AnyPath):
        from tfmeta.training.run_directory import RunDirectory

        run = RunDirectory.open(path)
        start_tensorflow()
        from tfmeta.training.loading import load

        self._image_format = run.source_facts.image_format
        _need_images(self._image_format, path)
        self._learner = load(path)
        self.num_classes = self._learner.num_outputs

    def answer(self, support: Support, encoded: list[bytes]) -> dict[str, Any]:
        import tensorflow as tf

        from tfmeta.confidence import Confidence
        from tfmeta.reading.images import to_unit

        files, labels = support
        state = self._learner.adapt(
            to_unit(self._image_format.decode_all(tf.constant(files))),
            tf.constant(labels, tf.int32),
        )
        queries = to_unit(self._image_format.decode_all(tf.constant(encoded)))
        logits = self._learner.predict_with(state, queries)
        confidence = Confidence()  # one is fitted when the run is exported
        return {
            PROBABILITIES: confidence.probabilities(logits).numpy(),
            UNKNOWN: confidence.unknown(logits).numpy(),
        }


def _need_images(image_format: object, path: AnyPath) -> None:
    if image_format is None:
        raise UserError(f"{path} takes no images; predict needs a model trained on images")
