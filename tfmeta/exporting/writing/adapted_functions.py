"""The served functions of a kind with one task's support set baked in."""

from typing import Any

import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.exporting.contract import SUPPORT_X, SUPPORT_Y, X
from tfmeta.exporting.kinds.export_kind import ExportKind, Part
from tfmeta.exporting.writing.options import ExportOptions
from tfmeta.exporting.writing.refusals import checked_queries, counted_queries, finite_answer
from tfmeta.exporting.writing.served_functions import (
    OUTPUTS,
    ServedFunctions,
    Tensors,
    classification,
    values,
)
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.task_inputs import as_examples, as_targets
from tfmeta.networks import input_dtype


class AdaptedFunctions(ServedFunctions):
    """Every example of a request belongs to the one task. See `ServedFunctions`.

    Args:
        learner, kind, options, confidence: as in `ServedFunctions`.
        state: what `state_of` returned.

    Attributes:
        state: the task state, nested as the learner's `adapt` returns it.
    """

    def __init__(
        self,
        learner: MetaLearner,
        kind: ExportKind,
        options: ExportOptions,
        confidence: Confidence,
        state: dict[str, Any],
    ):
        options = options.named(are_classes=targets_of(learner, options).dtype.is_integer)
        super().__init__(learner, kind, options, confidence)
        example = learner.function.input_shape[1:]
        x = tf.TensorSpec((None, *example), input_dtype(learner.network), X)
        self.specs = {Part.EXAMPLES: {X: x}}
        self.computations = {((Part.EXAMPLES,), Part.ANSWER): self._predict}
        # Variables, so that the task's weights are in the weights file with all others.
        self.variables = tf.nest.map_structure(lambda t: tf.Variable(t, trainable=False), state)
        self.state = state

    @staticmethod
    def state_of(learner: MetaLearner, options: ExportOptions) -> dict[str, Any]:
        """The state of the task, whose support set is in the options."""
        return learner.adapt(*support_of(learner, options))

    @property
    def num_outputs(self) -> int | None:
        names = self.options.class_names
        return self.learner.num_outputs if names is None else len(names)

    def answer(self, answered: Tensors) -> Tensors:
        """Probabilities and the names of classes, or values."""
        names = self.options.class_names
        if names is None:
            return values(answered)
        logits = answered[OUTPUTS][:, : len(names)]
        label = tf.gather(tf.constant(names), tf.argmax(logits, -1))
        return classification({**answered, OUTPUTS: logits}, label, self.confidence)

    def checked_first(self, inputs: Tensors) -> Tensors:
        """As in `TaskFunctions`."""
        name, *_ = self.options.input_format.inputs_of(X)
        return {**inputs, name: counted_queries(inputs[name], name=name, **self._counts())}

    def _predict(self, **inputs: tf.Tensor) -> Tensors:
        of_format = self.options.input_format.checks
        x = checked_queries(inputs[X], name=X, of_format=of_format, **self._counts())
        state = tf.nest.map_structure(tf.convert_to_tensor, self.variables)
        return finite_answer(self.answer(self.answered(state, x)), inputs)

    def _counts(self) -> dict[str, Any]:
        return {"most": self.options.limits["queries"], "has_tasks": False}


def support_of(learner: MetaLearner, options: ExportOptions) -> tuple[tf.Tensor, tf.Tensor]:
    """The support set that is baked in, `(x, y)`, as the learner takes it."""
    x, _ = options.support or (None, None)  # `kind_and_options` saw to it that there is one
    return as_examples(learner, x, name=SUPPORT_X), targets_of(learner, options)


def targets_of(learner: MetaLearner, options: ExportOptions) -> tf.Tensor:
    """The targets of that support set."""
    _, y = options.support or (None, None)
    return as_targets(learner, y, name=SUPPORT_Y)
