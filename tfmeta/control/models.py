"""Models that adapt to a support set and then answer: a learner, or an export by its signatures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.exporting.contract import PREDICT, PREDICTION, QUERY_X, SUPPORT_X, SUPPORT_Y
from tfmeta.exporting.kinds.export_kind import Part
from tfmeta.exporting.loading.graph_scan import served_graph
from tfmeta.exporting.loading.saver_scan import UnsafeModelError
from tfmeta.exporting.manifest import Manifest
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.user_files import AnyPath

_MOST = float(np.finfo(np.float32).max) / 2  # so that float32 holds any change too


class Model(Protocol):
    """What adapts and answers, in the graph.

    Attributes:
        input_size, output_size: numbers in an example and in an answer.
    """

    input_size: int
    output_size: int

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        """A support set `(rows, ...)` -> a task state."""

    def answers(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        """A task state and `(queries, input size)` -> `(queries, output size)`."""


class LearnerModel:
    """A learner, by `adapt` and `predict_with`; see `Model`.

    Args:
        learner: a MetaLearner.
        kind: that its targets must be of.

    Raises:
        UserError: if its targets are of another kind, or its examples are no vectors.
    """

    def __init__(self, learner: Any, kind: TargetKind):
        if learner.targets != kind.name:
            raise _wrong_kind("a learner", learner.targets, kind)
        self.input_size = vector_size(learner.function.input_shape[1:])
        self.output_size = vector_size(learner.target_shape)
        self._learner = learner

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        return self._learner.adapt(support_x, support_y)

    def answers(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        found: tf.Tensor = self._learner.predict_with(task_state, query_x)
        return found


class ServedModel:
    """An export, by its two signatures: the one that adapts, and `predict`; see `Model`.

    Its graph is looked at before it is loaded; see `graph_scan`.

    Args:
        path: `exported/NAME` or `exported/NAME/VERSION`, of the kind `learner` or `generator`.
        kind: that its targets must be of.

    Raises:
        UserError: if there is no such export, it is damaged, would do more than compute, or is of
            another kind.
    """

    def __init__(self, path: AnyPath, kind: TargetKind):
        version = newest_version(path)
        manifest = Manifest.read(version)
        signatures = manifest.export_kind.signatures
        adapting = [each.name for each in signatures if each.returns is Part.STATE]
        if not adapting:
            raise UserError(
                f"{version} is of the kind {manifest.kind}; expected one that adapts in requests: "
                "tfmeta export RUN --kind learner"
            )
        if manifest.targets != kind.name:
            raise _wrong_kind(str(version), manifest.targets or "classes", kind)
        try:
            served_graph(version)
        except (UnsafeModelError, OSError) as error:
            raise UserError(f"cannot load the export {version}: {error}", exit_status=1) from error
        self._model = tf.saved_model.load(str(version))
        self._adapt, self._predict = (
            self._model.signatures[name] for name in (adapting[0], PREDICT)
        )
        self.input_size = vector_size(manifest.input_shape)
        self.output_size = vector_size([manifest.num_outputs or 0])

    def adapt(self, support_x: tf.Tensor, support_y: tf.Tensor) -> Any:
        return self._adapt(**{SUPPORT_X: support_x[tf.newaxis], SUPPORT_Y: support_y[tf.newaxis]})

    def answers(self, task_state: Any, query_x: tf.Tensor) -> tf.Tensor:
        return self._predict(**task_state, **{QUERY_X: query_x[tf.newaxis]})[PREDICTION][0]


def _wrong_kind(what: str, received: str, kind: TargetKind) -> UserError:
    trained = {"values": "transitions", "actions": "gym:NAME"}[kind.name]
    return UserError(
        f"received {what}, whose targets are {received}; expected {kind.name}, as `tfmeta train "
        f"{trained}` trains it"
    )


def vector_size(shape: Sequence[int]) -> int:
    """The size of a vector; raises UserError for another shape."""
    if len(shape) != 1 or shape[0] < 1:
        raise UserError(
            f"received a model whose examples or answers have the shape {tuple(shape)}; expected "
            "vectors"
        )
    return shape[0]


def checked_observation(observation: Any, size: int) -> np.ndarray:
    """An observation `(size,)`, float64; raises UserError for another one, or one not finite."""
    try:
        found = np.asarray(observation, np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"received the observation {observation!r}; expected {size} finite numbers"
        ) from error
    is_finite = bool((np.abs(found) < _MOST).all())
    if found.shape != (size,) or not is_finite:
        raise UserError(
            f"received an observation of shape {found.shape}, finite in float32: {is_finite}; "
            f"expected {size} finite numbers"
        )
    return found


def checked_number(name: str, value: Any) -> float:
    """One number; raises UserError for what is none, or not finite in float32."""
    try:
        is_number = np.shape(value) == () and not isinstance(value, str | bytes)
        found = float(value) if is_number else math.nan
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) < _MOST:
        raise UserError(f"received {name}={value!r}; expected a number that is finite in float32")
    return found


def check_flag(name: str, value: Any) -> None:
    """Raises UserError for what is no truth value of Python or NumPy."""
    if not isinstance(value, bool | np.bool_):
        raise UserError(f"received {name}={value!r}; expected True or False")


def model_of(model: Any, kind: TargetKind) -> Model:
    """The model of a learner, a run's directory or an export.

    Args:
        model: one of these. A run whose own code is to be trusted is loaded first: `tfmeta.load`.
        kind: that its targets must be of.

    Raises:
        UserError: if it is none, its targets are of another kind, or its examples are no vectors.
    """
    from tfmeta.learners.meta_learner import MetaLearner
    from tfmeta.training.loading import load

    if isinstance(model, MetaLearner):
        return LearnerModel(model, kind)
    if not isinstance(model, str | Path):
        raise UserError(
            f"received a model of type {type(model).__name__}; expected a run's directory, an "
            "export, or a learner"
        )
    if not (Path(model) / "config.json").is_file():
        return ServedModel(model, kind)
    return LearnerModel(load(model), kind)
