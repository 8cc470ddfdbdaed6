"""A learner's methods check what they receive: its options, or a task."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.learners.computing_dtype import full
from tfmeta.learners.option_types import with_checked_types
from tfmeta.learners.task_inputs import (
    as_episodes,
    as_examples,
    as_targets,
    refuse_infinite,
    refuse_labels,
    refuse_one_hot,
    refuse_unequal,
)


def checked_methods(namespace: dict[str, Any]) -> dict[str, Any]:
    """The methods of a class that take options or a task, changed so that they check them."""
    found = {name: namespace[name] for name in _CHECKS if name in namespace}
    concrete = {n: m for n, m in found.items() if not getattr(m, "__isabstractmethod__", False)}
    return {name: _CHECKS[name](method) for name, method in concrete.items()}


def _checked_adapt(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def adapt(
        self: Any, support_x: tf.Tensor, support_y: tf.Tensor, **options: Any
    ) -> dict[str, Any]:
        support_x = as_examples(self, support_x, name="support_x")
        support_y = as_targets(self, support_y, name="support_y")
        refuse_unequal(support_x, support_y, "support", leading=1)
        refuse_labels(self, support_y, name="support_y")
        refuse_one_hot(self, support_y)
        refuse_infinite(support_x=support_x, support_y=support_y)
        return method(self, support_x, self.completed(support_x, support_y), **options)

    return adapt


def _checked_predict_with(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def predict_with(
        self: Any, task_state: dict[str, Any], query_x: tf.Tensor, **options: Any
    ) -> tf.Tensor:
        query_x = as_examples(self, query_x, name="query_x")
        refuse_infinite(query_x=query_x)
        try:
            return full(method(self, task_state, query_x, **options))
        except KeyError as error:
            if error.args[0] in task_state:
                raise
            raise UserError(
                f"received a task state without {error.args[0]!r}, with {', '.join(task_state)}; "
                f"expected what the `adapt` of this {type(self).__name__} returned"
            ) from error

    return predict_with


def _checked_task_gradients(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def task_gradients(
        self: Any, episode: Any, **options: Any
    ) -> tuple[list[tf.Tensor], dict[str, Any]]:
        return method(self, as_episodes(self, episode, leading=1), **options)

    return task_gradients


def _checked_reference_answer(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def reference_answer(
        self: Any, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        support_x = as_examples(self, support_x, name="support_x")
        support_y = as_targets(self, support_y, name="support_y")
        query_x = as_examples(self, query_x, name="query_x")
        refuse_infinite(support_x=support_x, support_y=support_y, query_x=query_x)
        return method(self, support_x, self.completed(support_x, support_y), query_x)

    return reference_answer


_CHECKS: dict[str, Callable[..., Any]] = {
    "__init__": with_checked_types,
    "adapt": _checked_adapt,
    "reference_answer": _checked_reference_answer,
    "predict_with": _checked_predict_with,
    "task_gradients": _checked_task_gradients,
}
