"""Models of what an action changes, which adapt to the last transitions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.exporting.contract import PREDICT, PREDICTION, QUERY_X, SUPPORT_X, SUPPORT_Y
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.graph_scan import served_graph
from tfmeta.exporting.loading.saver_scan import UnsafeModelError
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.user_files import AnyPath

if TYPE_CHECKING:
    from tfmeta.learners.meta_learner import MetaLearner


class Dynamics(ABC):
    """Predicts how an observation changes, from transitions of the same surroundings.

    Both methods are pure functions of tensors, and run in the graph.

    Attributes:
        input_size: numbers in an observation and an action together.
        observation_size: numbers in an observation.
    """

    input_size: int
    observation_size: int

    @abstractmethod
    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        """Transitions -> a task state, any structure of tensors.

        Args:
            support_x: float32 `(transitions, input size)`, observations with actions.
            support_y: float32 `(transitions, observation size)`, how each observation changed.
        """

    @abstractmethod
    def changes(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        """A task state and `(queries, input size)` -> changes, `(queries, observation size)`."""


class LearnerDynamics(Dynamics):
    """A learner of the pipeline `transitions`, by `adapt` and `predict_with`.

    Args:
        learner: of values.

    Raises:
        UserError: if it is one of classes.
    """

    def __init__(self, learner: "MetaLearner"):
        if not learner.target_kind.are_values:
            raise UserError(
                "received a learner of classes; expected one of values, as `tfmeta train "
                "transitions` trains it"
            )
        self.input_size = _vector(learner.function.input_shape[1:])
        self.observation_size = _vector(learner.target_shape)
        self._learner = learner

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        return self._learner.adapt(support_x, support_y)

    def changes(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        return self._learner.predict_with(task_state, query_x)


class ServedDynamics(Dynamics):
    """An export, by its two signatures: the one that adapts, and `predict`.

    Its graph is looked at before it is loaded; see `graph_scan`.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`, of the kind `learner` or `generator`.

    Raises:
        UserError: if there is no such export, it is damaged, would do more than compute, or is of
            another kind.
    """

    def __init__(self, path: AnyPath):
        version = newest_version(path)
        manifest = Manifest.read(version)
        signatures = manifest.export_kind.signatures
        adapting = [each.name for each in signatures if each.returns is Part.STATE]
        if not adapting or manifest.targets != "values":
            raise UserError(
                f"{version} is of the kind {manifest.kind}, and answers with "
                f"{manifest.targets or 'classes'}; expected values, of a kind that adapts in "
                "requests: tfmeta export RUN --kind learner"
            )
        try:
            served_graph(version)
        except (UnsafeModelError, OSError) as error:
            raise UserError(f"cannot load the export {version}: {error}", exit_status=1) from error
        self._model = tf.saved_model.load(str(version))
        self._adapt, self._predict = (
            self._model.signatures[name] for name in (adapting[0], PREDICT)
        )
        self.input_size = _vector(manifest.input_shape)
        self.observation_size = _vector([manifest.num_outputs or 0])

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        return self._adapt(**{SUPPORT_X: support_x[tf.newaxis], SUPPORT_Y: support_y[tf.newaxis]})

    def changes(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        return self._predict(**task_state, **{QUERY_X: query_x[tf.newaxis]})[PREDICTION][0]


def _vector(shape: Sequence[int]) -> int:
    """The size of a vector."""
    if len(shape) != 1 or shape[0] < 1:
        raise UserError(
            f"received a model whose examples or values have the shape {tuple(shape)}; expected "
            "vectors, as in the pipeline transitions"
        )
    return shape[0]


def dynamics_of(model: Any) -> Dynamics:
    """The dynamics of a Dynamics, a learner, a run's directory or an export.

    Args:
        model: one of these. A run whose own code is to be trusted is loaded first: `tfmeta.load`.

    Raises:
        UserError: if it is none, its learner is one of classes, or its examples are no vectors.
    """
    from tfmeta.learners.meta_learner import MetaLearner
    from tfmeta.training.loading import load

    if isinstance(model, Dynamics):
        return model
    if isinstance(model, MetaLearner):
        return LearnerDynamics(model)
    if not isinstance(model, str | Path):
        raise UserError(
            f"received a model of type {type(model).__name__}; expected a run's directory, an "
            "export, a learner or a tfmeta.control.Dynamics"
        )
    if not (Path(model) / "config.json").is_file():
        return ServedDynamics(model)
    return LearnerDynamics(load(model))
