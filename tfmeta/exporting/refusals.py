"""What a served model refuses, inside its graph, with a message that names the input."""

import tensorflow as tf


def checked_support(x, y, *, is_regression: bool, num_classes: int | None):
    """A support set, or an InvalidArgument error.

    Args:
        x: `(tasks, support, ...)`.
        y: `(tasks, support)` labels, or `(tasks, support, outputs)` targets.
        is_regression: whether targets are values.
        num_classes: labels are 0 up to this; None: up to the number of examples.

    Returns:
        `x` and `y`, to be used in their stead: what follows waits for the checks.
    """
    checks = [
        tf.debugging.assert_equal(
            tf.shape(x)[:2],
            tf.shape(y)[:2],
            "support_y: expected one entry for each example of support_x",
        ),
        tf.debugging.assert_positive(
            tf.shape(y)[1], "support_y: received an empty support set; expected examples"
        ),
        tf.debugging.assert_positive(
            tf.shape(x)[0], "support_x: received no tasks; expected one or more"
        ),
        _finite(x, "support_x"),
    ]
    if is_regression:
        checks.append(_finite(y, "support_y"))
    else:
        most = "one less than the support examples" if num_classes is None else num_classes - 1
        expected = f"support_y: expected labels from 0 to {most}"
        checks += [
            tf.debugging.assert_non_negative(y, expected),
            tf.debugging.assert_less(y, num_classes or tf.shape(y)[1], expected),
        ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(x), tf.identity(y)


def checked_queries(x, *, num_tasks=None, name: str = "query_x"):
    """Queries, or an InvalidArgument error.

    Args:
        x: `(tasks, queries, ...)`, or `(queries, ...)` of an adapted model.
        num_tasks: of the support set or the task state that comes with them, if any does.
        name: of the input.
    """
    checks = [_finite(x, name)]
    if num_tasks is not None:
        message = f"{name}: expected as many tasks (dimension 0) as in the request's other inputs"
        checks.append(tf.debugging.assert_equal(tf.shape(x)[0], num_tasks, message))
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(x)


def checked_state(state: dict, *, num_tasks) -> dict:
    """A task state's named tensors `(tasks, ...)`, or an InvalidArgument error."""
    checked = {}
    for name, value in state.items():
        message = f"{name}: expected as many tasks (dimension 0) as in query_x"
        same = tf.debugging.assert_equal(tf.shape(value)[0], num_tasks, message)
        with tf.control_dependencies([c for c in (same, _finite(value, name)) if c is not None]):
            checked[name] = tf.identity(value)
    return checked


def _finite(x, name):
    # Not assert_all_finite: its message comes as an internal error of another operation.
    finite = tf.reduce_all(tf.math.is_finite(x))
    return tf.debugging.Assert(
        finite, [f"{name}: expected finite numbers, received NaN or infinity"]
    )
