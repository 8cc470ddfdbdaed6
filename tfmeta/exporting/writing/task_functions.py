"""The served functions of every kind that gets support sets in requests."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.exporting import task_state
from tfmeta.exporting.contract import QUERY_X, SUPPORT_SIZE, SUPPORT_X, SUPPORT_Y
from tfmeta.exporting.kinds.export_kind import ExportKind, Part
from tfmeta.exporting.writing.options import ExportOptions
from tfmeta.exporting.writing.refusals import (
    checked_queries,
    checked_rows,
    checked_state,
    checked_support,
    counted_queries,
    finite_answer,
)
from tfmeta.exporting.writing.served_functions import (
    ServedFunctions,
    Specs,
    Tensors,
    numbered_answer,
)
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.execution import map_tasks
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.networks import input_dtype


class TaskFunctions(ServedFunctions):
    """Each task of a request has a support set or a task state of its own. See `ServedFunctions`.

    A task state travels as named tensors, such as `weights_head_kernel`.

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
            Part.SUPPORT: support_specs(learner, padded=options.padded),
            Part.QUERIES: {QUERY_X: _examples_spec(learner, QUERY_X)},
            Part.STATE: {
                name: tf.TensorSpec((None, *spec.shape), spec.dtype, name) for name, spec in state
            },
        }
        self.computations = {
            ((Part.SUPPORT,), Part.STATE): self._adapt,
            ((Part.STATE, Part.QUERIES), Part.ANSWER): self._predict,
            ((Part.SUPPORT, Part.QUERIES), Part.ANSWER): self._adapt_and_predict,
        }

    @staticmethod
    def state_of(learner: MetaLearner, options: ExportOptions) -> dict[str, Any]:
        """The TensorSpecs of one task's state, nested as the learner's `adapt` returns it."""
        del options  # the support set of one task has no padding
        specs = support_specs(learner, padded=False).values()
        return task_state.specification(
            learner.adapt, tuple(tf.TensorSpec(spec.shape[1:], spec.dtype) for spec in specs)
        )

    @property
    def num_outputs(self) -> int | None:
        return self.learner.num_outputs

    def answer(self, answered: Tensors) -> Tensors:
        """Probabilities and the numbers of classes, or values."""
        are_values = self.learner.target_kind.are_values
        return numbered_answer(answered, are_values=are_values, confidence=self.confidence)

    def checked_first(self, inputs: Tensors) -> Tensors:
        """The inputs of an encoded variant, after the checks that need no decoding."""
        checked, num_tasks = dict(inputs), None
        # The first of several parts stands for all of them, which have one shape.
        support_x, query_x = (
            next(iter(self.options.input_format.inputs_of(name))) for name in (SUPPORT_X, QUERY_X)
        )
        if support_x in inputs:
            rows = inputs[support_x], inputs[SUPPORT_Y], inputs.get(SUPPORT_SIZE)
            x, y, size = checked_rows(*rows, name=support_x, **self._limits())
            checked |= {support_x: x, SUPPORT_Y: y}
            checked |= {} if size is None else {SUPPORT_SIZE: size}
            num_tasks = tf.shape(x)[0]
        if query_x in inputs:
            most = self.options.limits["queries"]
            counted = counted_queries(inputs[query_x], name=query_x, most=most, num_tasks=num_tasks)
            checked[query_x] = counted
        return checked

    def _adapt(self, **inputs: tf.Tensor) -> Tensors:
        support, sizes = self._support(inputs)
        state = _map(lambda task: task_state.flatten(self._adapt_one(task, sizes)), support)
        return finite_answer(state, inputs)

    def _predict(self, **inputs: tf.Tensor) -> Tensors:
        query_x = self._queries(inputs[QUERY_X])
        state = {name: value for name, value in inputs.items() if name != QUERY_X}
        state = checked_state(state, num_tasks=tf.shape(query_x)[0])

        def answer_one(task: tuple[Any, tf.Tensor]) -> Tensors:
            flat, query_x = task
            nested = task_state.unflatten(flat, self._state_like)
            return self.answered(nested, query_x)

        return finite_answer(self.answer(_map(answer_one, (state, query_x))), inputs)

    def _adapt_and_predict(self, **inputs: tf.Tensor) -> Tensors:
        support, sizes = self._support(inputs)
        query_x = self._queries(inputs[QUERY_X], num_tasks=tf.shape(support[0])[0])

        def answer_one(task: tuple[Any, tf.Tensor]) -> Tensors:
            support, query_x = task
            return self.answered(self._adapt_one(support, sizes), query_x)

        return finite_answer(self.answer(_map(answer_one, (support, query_x))), inputs)

    def _support(self, inputs: Tensors) -> tuple[tuple[tf.Tensor, ...], CommonSizes]:
        """The checked support sets, and the sizes that their tasks have in common."""
        rows = inputs[SUPPORT_X], inputs[SUPPORT_Y], inputs.get(SUPPORT_SIZE)
        x, y, size = checked_support(
            *rows, of_format=self.options.input_format.checks, **self._limits()
        )
        if size is None:
            return (x, y), CommonSizes.of(y)
        return (x, y, size), CommonSizes.of(y, num_examples=tf.shape(y)[1])

    def _adapt_one(self, support: tuple[tf.Tensor, ...], sizes: CommonSizes) -> dict[str, Any]:
        x, y, *size = support
        if size:
            x, y = x[: size[0]], y[: size[0]]
        return sizes.given_to(self.learner.adapt)(x, y)

    def _queries(self, x: tf.Tensor, **options: Any) -> tf.Tensor:
        most = self.options.limits["queries"]
        return checked_queries(x, most=most, of_format=self.options.input_format.checks, **options)

    def _limits(self) -> dict[str, Any]:
        most_rows = self.options.limits["support_rows"]
        return {"num_classes": self.learner.num_outputs, "most_rows": most_rows}


def support_specs(learner: MetaLearner, *, padded: bool) -> Specs:
    """The tensors of support sets, `(tasks, support, ...)`."""
    columns = learner.target_columns
    y_spec = ((), tf.int32) if columns is None else ((columns,), tf.float32)
    specs = {
        SUPPORT_X: _examples_spec(learner, SUPPORT_X),
        SUPPORT_Y: tf.TensorSpec((None, None, *y_spec[0]), y_spec[1], SUPPORT_Y),
    }
    if padded:
        specs[SUPPORT_SIZE] = tf.TensorSpec((None,), tf.int32, SUPPORT_SIZE)
    return specs


def _examples_spec(learner: MetaLearner, name: str) -> tf.TensorSpec:
    example = learner.function.input_shape[1:]
    return tf.TensorSpec((None, None, *example), input_dtype(learner.network), name)


def _map(function: Callable[..., Any], elements: Any) -> Any:
    return map_tasks(function, elements, vectorised=False)
