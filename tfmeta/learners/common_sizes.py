"""The sizes that tasks which run together have in common.

A method without a head of fixed size answers with one column per class of the support set. A batch
needs the same number of columns for each of its tasks, and a compiled graph needs a number that
does not depend on the labels. So the code that runs a batch works the sizes out once, and passes
them to each function that has an argument `sizes`. A learner whose answers have a fixed size needs
no such argument: its method is `adapt(self, support_x, support_y)`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True, eq=False)  # by identity, because tensors are not hashable
class CommonSizes:
    """What every task of a batch has room for.

    Attributes:
        num_classes: the number of columns of an answer; None for as many as the task's largest
            label needs.
        num_examples: the number of rows of a task state that keeps every example; None for as many
            as the task's support set has.
    """

    num_classes: Any = None  # an int, or a scalar tensor
    num_examples: Any = None

    @classmethod
    def of(
        cls, support_y: tf.Tensor, *, static: bool = False, num_examples: Any = None
    ) -> "CommonSizes":
        """The sizes for a batch of tasks.

        Args:
            support_y: `(tasks, support)`, labels; if they are values, there are no classes.
            static: whether shapes must not depend on values, as XLA requires. There is then one
                column per support example.
            num_examples: see the class.
        """
        if not tf.as_dtype(support_y.dtype).is_integer:
            return cls(None, num_examples)
        if static:
            return cls(support_y.shape[1] or tf.shape(support_y)[1], num_examples)
        return cls(tf.reduce_max(support_y) + 1, num_examples)

    def given_to(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with these sizes filled in if it has an argument `sizes`, else unchanged."""
        if not declares_sizes(function):
            return function
        # A closure, because `tf.function` would treat the arguments of a `partial` as its own.
        return lambda *args, **kwargs: function(*args, **kwargs, sizes=self)


def declares_sizes(function: Callable[..., Any]) -> bool:
    return "sizes" in inspect.signature(function).parameters


ITS_OWN = CommonSizes()  # the sizes of one task alone
