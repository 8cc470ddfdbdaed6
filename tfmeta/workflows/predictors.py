"""What answers `tfmeta.predict`: an export, through the C++ loader, or a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import PREDICTION, PROBABILITIES, UNKNOWN, VARIANCE
from tfmeta.exporting.loading import answering
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.reading.example_reader import ExampleReader, Examples, SupportSet
from tfmeta.runtime import start_tensorflow
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.learners.meta_learner import MetaLearner


class ExportPredictor:
    """An exported model, by the same request that a server would get, in a process of its own.

    No TensorFlow Python runs, and a model that brings its process down does not end this one.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`.
        timeout: seconds that an answer may take.

    Attributes:
        is_adapted: whether its support set is baked in.
        manifest: what it says of itself.

    Raises:
        UserError: if there is no such export, or it is damaged.
    """

    def __init__(self, path: AnyPath, *, timeout: float):
        self._version, self._timeout = newest_version(path), timeout
        try:
            self.manifest = Manifest.read(self._version)
        except UserError as error:
            raise UserError(
                f"cannot load the export {self._version}: {error}", exit_status=1
            ) from error
        self.is_adapted = not self.manifest.export_kind.takes_support

    @property
    def num_classes(self) -> int | None:
        """The most classes that a learner answers with; None for any number."""
        return self.manifest.num_outputs

    def reader(self) -> ExampleReader:
        """What reads support sets and queries for the model."""
        return self.manifest.reader()

    @property
    def class_names(self) -> list[str] | None:
        """Of the classes that are baked in; None if there are none."""
        return self.manifest.class_names

    @property
    def name(self) -> str:
        return str(self._version)

    def answers_without(
        self, support: SupportSet | None, asked: Sequence[answering.Asked]
    ) -> list[Any]:
        """See `answering.answers_without`."""
        return answering.answers_without(self._version, support, asked, timeout=self._timeout)

    def answer(self, support: SupportSet | None, queries: Examples) -> dict[str, Any]:
        """See `answering.answer`."""
        return answering.answer(self._version, support, queries, timeout=self._timeout)


class RunPredictor:
    """A run's learner, in Python. As `ExportPredictor`, for `runs/NAME`."""

    is_adapted, class_names = False, None

    def __init__(self, path: AnyPath):
        from tfmeta.training.run_directory import RunDirectory

        self._run = RunDirectory.open(path)
        self._loaded: MetaLearner | None = None
        start_tensorflow()

    @property
    def _learner(self) -> "MetaLearner":
        if self._loaded is None:
            from tfmeta.training.loading import load

            self._loaded = load(self._run.path)
        return self._loaded

    @property
    def num_classes(self) -> int | None:
        return self._learner.num_outputs

    def reader(self) -> ExampleReader:
        return self._run.source_facts.reader()

    def answer(self, support: SupportSet | None, queries: Examples) -> dict[str, Any]:
        from tfmeta.confidence import Confidence
        from tfmeta.learners.task_inputs import as_examples, as_targets

        assert support is not None  # a run has none baked in
        learner = self._learner
        support_x = as_examples(
            learner, self._prepared(support.x, "the support set"), name="support_x"
        )
        state = learner.adapt(support_x, as_targets(learner, support.y, name="support_y"))
        query_x = as_examples(learner, self._prepared(queries, "a query"), name="query_x")
        outputs = learner.predict_with(state, query_x)
        if support.class_names is None:
            answer = {PREDICTION: outputs.numpy()}
            if learner.has_variance:
                answer[VARIANCE] = learner.variance_with(state, query_x).numpy()
            return answer
        confidence = Confidence()  # one is fitted when the run is exported
        is_empty = self._run.source_facts.input_format.is_empty(query_x)
        return {
            PROBABILITIES: confidence.probabilities(outputs).numpy(),
            UNKNOWN: confidence.unknown(outputs, is_empty=is_empty).numpy(),
        }

    def _prepared(self, x: Examples, name: str) -> Any:
        from tfmeta.reading.support_arrays import prepared

        return prepared(self._run.source_facts.input_format, x, name)
