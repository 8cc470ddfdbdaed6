"""The functions of a LiteRT file: a served model's for one task, without a tasks dimension."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.errors import UserError, counted
from tfmeta.exporting import task_state
from tfmeta.exporting.contract import QUERY_X, SUPPORT_X, SUPPORT_Y
from tfmeta.exporting.kinds.export_kind import ExportKind, Part
from tfmeta.exporting.writing.options import ExportOptions
from tfmeta.exporting.writing.served_functions import (
    ServedFunctions,
    Specs,
    Tensors,
    numbered_answer,
)
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import input_dtype


class OneTaskFunctions(ServedFunctions):
    """A support set of one size, and any number of queries. See `ServedFunctions`.

    Args:
        learner, kind, options, confidence: as in `ServedFunctions`.
        state_like: what `state_of` returned.
    """

    def __init__(
        self,
        learner: MetaLearner,
        kind: ExportKind,
        options: ExportOptions,
        confidence: Confidence,
        state_like: dict[str, Any],
    ):
        super().__init__(learner, kind, options, confidence)
        self._state_like = state_like
        state = task_state.flatten(state_like).items()
        self.specs = {
            Part.SUPPORT: _support_specs(learner, options),
            Part.QUERIES: {QUERY_X: _examples_spec(learner, None, QUERY_X)},
            Part.STATE: {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in state},
        }
        self.computations = {
            ((Part.SUPPORT,), Part.STATE): self._adapt,
            ((Part.STATE, Part.QUERIES), Part.ANSWER): self._predict,
            ((Part.SUPPORT, Part.QUERIES), Part.ANSWER): self._adapt_and_predict,
        }

    @staticmethod
    def state_of(learner: MetaLearner, options: ExportOptions) -> dict[str, Any]:
        """The TensorSpecs of the task's state, nested as the learner's `adapt` returns it.

        Raises:
            UserError: if the learner does not take as many ways and shots.
        """
        _check_size(learner, options)
        specs = _support_specs(learner, options).values()
        return task_state.specification(
            _adapt_with(learner, options),
            tuple(tf.TensorSpec(spec.shape, spec.dtype) for spec in specs),
        )

    @property
    def num_outputs(self) -> int | None:
        return self.learner.num_outputs

    def answer(self, answered: Tensors) -> Tensors:
        """Probabilities and the numbers of classes, or values."""
        are_values = self.learner.target_kind.are_values
        return numbered_answer(answered, are_values=are_values, confidence=self.confidence)

    def _adapt(self, **support: tf.Tensor) -> Tensors:
        adapt = _adapt_with(self.learner, self.options)
        return task_state.flatten(adapt(support[SUPPORT_X], support[SUPPORT_Y]))

    def _predict(self, **inputs: tf.Tensor) -> Tensors:
        state = task_state.unflatten(inputs, self._state_like)
        return self.answer(self.answered(state, inputs[QUERY_X]))

    def _adapt_and_predict(self, **inputs: tf.Tensor) -> Tensors:
        support = {name: inputs[name] for name in self.specs[Part.SUPPORT]}
        return self._predict(**self._adapt(**support), **{QUERY_X: inputs[QUERY_X]})


def _check_size(learner: MetaLearner, options: ExportOptions) -> None:
    ways, shots = options.ways or 0, options.shots or 0
    most = 1 if learner.target_kind.are_values else learner.num_outputs or ways
    if not 1 <= ways <= most or shots < 1:
        raise UserError(
            f"received {counted(ways, 'way')} and {counted(shots, 'shot')}; "
            f"expected 1 to {most} ways, as many as the learner answers with, and 1 shot or more"
        )


def _adapt_with(learner: MetaLearner, options: ExportOptions) -> Callable[..., dict[str, Any]]:
    # One column per class, whatever the labels: shapes must not depend on values.
    return CommonSizes(num_classes=options.ways).given_to(learner.adapt)


def _support_specs(learner: MetaLearner, options: ExportOptions) -> Specs:
    number = (options.ways or 0) * (options.shots or 0)
    columns = learner.target_columns
    y = tf.TensorSpec((number,), tf.int32, SUPPORT_Y)
    if columns is not None:
        y = tf.TensorSpec((number, columns), tf.float32, SUPPORT_Y)
    return {SUPPORT_X: _examples_spec(learner, number, SUPPORT_X), SUPPORT_Y: y}


def _examples_spec(learner: MetaLearner, number: int | None, name: str) -> tf.TensorSpec:
    example = learner.function.input_shape[1:]
    return tf.TensorSpec((number, *example), input_dtype(learner.network), name)
