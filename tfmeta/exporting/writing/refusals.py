"""What a served model refuses inside its graph, with a message that names the input.

Where an operation brings its own message, the name of the operation contains the input's name.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.exporting.contract import (
    QUERY_X,
    SUPPORT_SIZE,
    SUPPORT_X,
    SUPPORT_Y,
)
from tfmeta.reading.decoding.encoded_requests import at_most

Checks = Callable[[tf.Tensor, str], list[Any]]


def _no_checks(x: tf.Tensor, name: str) -> list[Any]:
    del x, name
    return []


def checked_support(
    x: tf.Tensor,
    y: tf.Tensor,
    size: tf.Tensor | None = None,
    *,
    of_format: Checks = _no_checks,
    **rows: Any,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
    """A support set, or an InvalidArgument error.

    Args:
        x: `(tasks, support, ...)`.
        y, size, rows: as in `checked_rows`.
        of_format: of the input format, `InputFormat.checks`.

    Returns:
        As `checked_rows`.
    """
    x, y, size = checked_rows(x, y, size, **rows)
    if size is not None:
        x = _masked(tf.sequence_mask(size, tf.shape(x)[1]), x)
    checks = [_finite(x, SUPPORT_X), *of_format(x, SUPPORT_X)]
    if y.dtype.is_floating:
        checks.append(_finite(y, SUPPORT_Y))
    with tf.control_dependencies(_needed(checks)):
        return tf.identity(x), tf.identity(y), size


def checked_rows(
    x: tf.Tensor,
    y: tf.Tensor,
    size: tf.Tensor | None = None,
    *,
    num_classes: int | None,
    most_rows: int,
    name: str = SUPPORT_X,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
    """The checks of a support set that do not look at its examples.

    Args:
        x: `(tasks, support, ...)`; encoded images too.
        y: `(tasks, support)` labels, whole numbers, or `(tasks, support, outputs)` values.
        size: `(tasks,)`, how many of a task's examples are its own. The rest is padding, in which
            nothing is checked. None: there is no padding.
        num_classes: labels go from 0 to one less than this; None: than the number of examples.
        most_rows: the most examples that a task may have.
        name: the name of `x`.

    Returns:
        `x`, `y` (padding set to zero) and `size`, to be used in place of the arguments: what
        follows then waits for the checks.
    """
    x, y = _checked_shapes(of_its_shape(x, name), of_its_shape(y, SUPPORT_Y), name, most_rows)
    own = None
    if size is not None:
        size = checked_sizes(size, x)
        own = tf.sequence_mask(size, tf.shape(x)[1])
        y = _masked(own, y)
    if y.dtype.is_floating:
        return x, y, size
    with tf.control_dependencies(_label_checks(y, own, num_classes)):
        return tf.identity(x), tf.identity(y), size


def _checked_shapes(
    x: tf.Tensor, y: tf.Tensor, name: str, most_rows: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """`x` and `y`, of one size that is neither zero nor over the limit."""
    checks = [
        at_most(most_rows, tf.shape(x)[1], f"{name}: a task's examples", "support_rows"),
        at_most(most_rows, tf.shape(y)[1], f"{SUPPORT_Y}: a task's examples", "support_rows"),
        tf.debugging.assert_equal(
            tf.shape(x)[:2],
            tf.shape(y)[:2],
            f"{SUPPORT_Y}: expected one entry for each example of {SUPPORT_X}",
        ),
        tf.debugging.assert_positive(
            tf.shape(y)[1], f"{SUPPORT_Y}: received an empty support set; expected examples"
        ),
        tf.debugging.assert_positive(
            tf.shape(x)[0], f"{name}: received no tasks; expected one or more"
        ),
    ]
    with tf.control_dependencies(_needed(checks)):
        return tf.identity(x), tf.identity(y)


def _label_checks(y: tf.Tensor, own: tf.Tensor | None, num_classes: int | None) -> list[Any]:
    most = "one less than the support examples" if num_classes is None else num_classes - 1
    expected = f"{SUPPORT_Y}: expected labels from 0 to {most}"
    return _needed(
        [
            tf.debugging.assert_non_negative(y, expected),
            tf.debugging.assert_less(y, num_classes or tf.shape(y)[1], expected),
            _without_gaps(y, own),
        ]
    )


def _needed(checks: list[Any]) -> list[Any]:
    """The checks that are left for the graph; one that holds while it is made is None."""
    return [check for check in checks if check is not None]


def of_its_shape(x: tf.Tensor, name: str) -> tf.Tensor:
    """An input of the right shape, or an error with its name; the server compares no shapes."""
    with tf.name_scope(name):
        return tf.ensure_shape(x, x.shape)


def checked_sizes(size: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """How many rows of `x` `(tasks, support, ...)` are each task's own, or such an error."""
    expected = f"{SUPPORT_SIZE}: expected from 1 to the number of rows of {SUPPORT_X}"
    entries = f"{SUPPORT_SIZE}: expected one entry for each task"
    size = of_its_shape(size, SUPPORT_SIZE)
    checks = [
        tf.debugging.assert_equal(tf.shape(size)[0], tf.shape(x)[0], entries),
        tf.debugging.assert_positive(size, expected),
        tf.debugging.assert_less_equal(size, tf.shape(x)[1], expected),
    ]
    with tf.control_dependencies(_needed(checks)):
        return tf.identity(size)


def _masked(own: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """`(tasks, support, ...)` with zeros where an example is padding."""
    own = tf.reshape(own, tf.concat([tf.shape(own), tf.ones(len(values.shape) - 2, tf.int32)], 0))
    return tf.where(own, values, tf.zeros((), values.dtype))


def _without_gaps(y: tf.Tensor, own: tf.Tensor | None) -> Any:
    """Checks that labels `(tasks, support)` have every class from 0 to each task's largest."""
    if own is not None:
        y = tf.where(own, y, tf.reduce_max(y, 1, keepdims=True))  # padding, which is zero here
    # Sorted, because one column per class would take quadratic memory.
    in_order = tf.pad(tf.sort(y, 1), [[0, 0], [1, 0]])
    return tf.debugging.Assert(
        tf.reduce_all(in_order[:, 1:] - in_order[:, :-1] <= 1) & tf.reduce_all(in_order[:, 1] == 0),
        [f"{SUPPORT_Y}: a class is empty; expected an example of each from 0 to the largest label"],
    )


def checked_queries(
    x: tf.Tensor, *, name: str = QUERY_X, of_format: Checks = _no_checks, **counts: Any
) -> tf.Tensor:
    """Queries, or an InvalidArgument error.

    Args:
        x: `(tasks, queries, ...)`, or `(queries, ...)` for an adapted model.
        name: the name of the input.
        of_format: of the input format, `InputFormat.checks`.
        **counts: as in `counted_queries`.
    """
    x = counted_queries(x, name=name, **counts)
    with tf.control_dependencies(_needed([_finite(x, name), *of_format(x, name)])):
        return tf.identity(x)


def counted_queries(
    x: tf.Tensor,
    *,
    most: int,
    name: str,
    num_tasks: tf.Tensor | None = None,
    has_tasks: bool = True,
) -> tf.Tensor:
    """The checks of queries that do not look at them.

    Args:
        x: as in `checked_queries`; encoded examples too.
        most: the most queries that a task may have.
        name: the name of the input.
        num_tasks: the number of tasks in the support sets or task states that come with them.
        has_tasks: False for an adapted model.
    """
    x = of_its_shape(x, name)
    number = tf.shape(x)[1 if has_tasks else 0]
    checks = [at_most(most, number, f"{name}: a task's queries", "queries")]
    if num_tasks is not None:
        message = f"{name}: expected as many tasks (dimension 0) as in the request's other inputs"
        checks.append(tf.debugging.assert_equal(tf.shape(x)[0], num_tasks, message))
    with tf.control_dependencies(_needed(checks)):
        return tf.identity(x)


def checked_state(state: dict[str, tf.Tensor], *, num_tasks: tf.Tensor) -> dict[str, tf.Tensor]:
    """A task state's named tensors `(tasks, ...)`, or an InvalidArgument error."""
    checked = {}
    for name, value in state.items():
        value = of_its_shape(value, name)
        message = f"{name}: expected as many tasks (dimension 0) as in {QUERY_X}"
        same = tf.debugging.assert_equal(tf.shape(value)[0], num_tasks, message)
        with tf.control_dependencies(_needed([same, _finite(value, name)])):
            checked[name] = tf.identity(value)
    return checked


def _finite(x: tf.Tensor, name: str) -> Any:
    # Not assert_all_finite, whose message comes as an internal error of another operation.
    finite = tf.reduce_all(tf.math.is_finite(x))
    return tf.debugging.Assert(
        finite, [f"{name}: expected finite numbers, received NaN or infinity"]
    )


def finite_answer(
    outputs: dict[str, tf.Tensor], inputs: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """A response, or an error that names the inputs whose numbers are too large for an answer.

    Args:
        outputs, inputs: the tensors of a signature, by name.
    """
    numbers = [tensor for tensor in outputs.values() if tensor.dtype.is_floating]
    if not numbers:
        return outputs
    is_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(number)) for number in numbers])

    def largest() -> tf.Tensor:
        sent = [value for value in inputs.values() if value.dtype != tf.string]
        return tf.reduce_max([tf.reduce_max(tf.abs(tf.cast(v, tf.float64))) for v in sent])

    # Worked out only for the message, after the inputs' own checks; a good request has no need.
    received = tf.cond(is_finite, lambda: tf.zeros((), tf.float64), largest)
    check = tf.debugging.Assert(
        is_finite,
        [
            f"{', '.join(inputs)}: the answer is not finite; expected smaller numbers, received up "
            "to",
            received,
        ],
    )
    with tf.control_dependencies([check]):
        return {name: tf.identity(tensor) for name, tensor in outputs.items()}
