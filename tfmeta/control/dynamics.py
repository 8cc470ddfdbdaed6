"""Models of what an action changes, which adapt to the last transitions."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfmeta.control.models import LearnerModel, Model, ServedModel, model_of
from tfmeta.episodes.target_kind import VALUES
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


class _OfModel(Dynamics):
    """What a model of values answers."""

    def __init__(self, model: Model):
        self.input_size, self.observation_size = model.input_size, model.output_size
        self._model = model

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        return self._model.adapt(support_x, support_y)

    def changes(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        return self._model.answers(task_state, query_x)


class LearnerDynamics(_OfModel):
    """A learner of the pipeline `transitions`, by `adapt` and `predict_with`.

    Args:
        learner: of values.

    Raises:
        UserError: if it is of another kind.
    """

    def __init__(self, learner: "MetaLearner"):
        super().__init__(LearnerModel(learner, VALUES))


class ServedDynamics(_OfModel):
    """An export, by its two signatures: the one that adapts, and `predict`.

    Its graph is looked at before it is loaded; see `graph_scan`.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`, of the kind `learner` or `generator`.

    Raises:
        UserError: if there is no such export, it is damaged, would do more than compute, or is of
            another kind.
    """

    def __init__(self, path: AnyPath):
        super().__init__(ServedModel(path, VALUES))


def dynamics_of(model: Any) -> Dynamics:
    """The dynamics of a Dynamics, a learner, a run's directory or an export.

    Args:
        model: one of these. A run whose own code is to be trusted is loaded first: `tfmeta.load`.

    Raises:
        UserError: if it is none, its learner is one of classes, or its examples are no vectors.
    """
    return model if isinstance(model, Dynamics) else _OfModel(model_of(model, VALUES))
