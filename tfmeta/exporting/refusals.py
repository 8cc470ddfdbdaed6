"""What a served model refuses, inside its graph, with a message that names the input.

Where the message is an operation's own, the operation's name holds the input's.
"""

import tensorflow as tf

# How far a pixel may be from [0, 1]: half a grey level of 255, as rounding may put it.
_BESIDE = 0.5 / 255


def checked_support(
    x, y, size=None, *, is_regression: bool, num_classes: int | None, are_images: bool = False
):
    """A support set, or an InvalidArgument error.

    Args:
        x: `(tasks, support, ...)`.
        y: `(tasks, support)` labels, or `(tasks, support, outputs)` targets.
        size: `(tasks,)` how many of a task's examples are its own, the rest being padding, in
            which nothing is checked; None: all are.
        is_regression: whether targets are values.
        num_classes: labels are 0 up to this; None: up to the number of examples.
        are_images: whether `x` are pixels, from 0 to 1.

    Returns:
        `x` and `y` (padding zeroed) and `size`, to be used in their stead: what follows waits for
        the checks.
    """
    x, y, own = of_its_shape(x, "support_x"), of_its_shape(y, "support_y"), None
    if size is not None:
        size = checked_sizes(size, x)
        own = tf.sequence_mask(size, tf.shape(x)[1])
        x = _masked(own, x)
        with tf.control_dependencies([_one_label_each(x, y)]):
            y = _masked(own, y)
    checks = [
        _one_label_each(x, y),
        tf.debugging.assert_positive(
            tf.shape(y)[1], "support_y: received an empty support set; expected examples"
        ),
        tf.debugging.assert_positive(
            tf.shape(x)[0], "support_x: received no tasks; expected one or more"
        ),
        _finite(x, "support_x"),
        _unit(x, "support_x") if are_images else None,
    ]
    if is_regression:
        checks.append(_finite(y, "support_y"))
    else:
        most = "one less than the support examples" if num_classes is None else num_classes - 1
        expected = f"support_y: expected labels from 0 to {most}"
        checks += [
            tf.debugging.assert_non_negative(y, expected),
            tf.debugging.assert_less(y, num_classes or tf.shape(y)[1], expected),
            _without_gaps(y, own, num_classes or tf.shape(y)[1]),
        ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(x), tf.identity(y), size


def of_its_shape(x, name: str):
    """An input, or an error that names it: the server itself compares no shapes."""
    with tf.name_scope(name):
        return tf.ensure_shape(x, x.shape)


def checked_sizes(size, x):
    """How many rows of `x` `(tasks, support, ...)` are each task's own, or such an error."""
    expected = "support_size: expected from 1 to the number of rows of support_x"
    entries = "support_size: expected one entry for each task"
    size = of_its_shape(size, "support_size")
    checks = [
        tf.debugging.assert_equal(tf.shape(size)[0], tf.shape(x)[0], entries),
        tf.debugging.assert_positive(size, expected),
        tf.debugging.assert_less_equal(size, tf.shape(x)[1], expected),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(size)


def _one_label_each(x, y):
    expected = "support_y: expected one entry for each example of support_x"
    return tf.debugging.assert_equal(tf.shape(x)[:2], tf.shape(y)[:2], expected)


def _masked(own, values):
    """`(tasks, support, ...)` with zeros where an example is padding."""
    own = tf.reshape(own, tf.concat([tf.shape(own), tf.ones(len(values.shape) - 2, tf.int32)], 0))
    return tf.where(own, values, tf.zeros((), values.dtype))


def _without_gaps(y, own, num_classes):
    """Labels `(tasks, support)`: each task's are of every class from 0 to its largest."""
    y = y if own is None else tf.where(own, y, -1)
    present = tf.reduce_any(tf.one_hot(y, num_classes, True, False, dtype=tf.bool), 1)
    expected = tf.range(num_classes)[tf.newaxis] <= tf.reduce_max(y, 1, keepdims=True)
    return tf.debugging.Assert(
        tf.reduce_all(present | ~expected),
        ["support_y: a class is empty; expected an example of each from 0 to the largest label"],
    )


def checked_queries(x, *, num_tasks=None, name: str = "query_x", are_images: bool = False):
    """Queries, or an InvalidArgument error.

    Args:
        x: `(tasks, queries, ...)`, or `(queries, ...)` of an adapted model.
        num_tasks: of the support set or the task state that comes with them, if any does.
        name: of the input.
        are_images: whether they are pixels, from 0 to 1.
    """
    x = of_its_shape(x, name)
    checks = [_finite(x, name), _unit(x, name) if are_images else None]
    if num_tasks is not None:
        message = f"{name}: expected as many tasks (dimension 0) as in the request's other inputs"
        checks.append(tf.debugging.assert_equal(tf.shape(x)[0], num_tasks, message))
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(x)


def checked_state(state: dict, *, num_tasks) -> dict:
    """A task state's named tensors `(tasks, ...)`, or an InvalidArgument error."""
    checked = {}
    for name, value in state.items():
        value = of_its_shape(value, name)
        message = f"{name}: expected as many tasks (dimension 0) as in query_x"
        same = tf.debugging.assert_equal(tf.shape(value)[0], num_tasks, message)
        with tf.control_dependencies([c for c in (same, _finite(value, name)) if c is not None]):
            checked[name] = tf.identity(value)
    return checked


def _unit(x, name):
    inside = tf.reduce_all((x >= -_BESIDE) & (x <= 1 + _BESIDE))
    message = f"{name}: expected pixels from 0 to 1, received others; divide those of 0 to 255"
    return tf.debugging.Assert(inside, [f"{message} by 255, or send the files to {name}_bytes"])


def _finite(x, name):
    # Not assert_all_finite: its message comes as an internal error of another operation.
    finite = tf.reduce_all(tf.math.is_finite(x))
    return tf.debugging.Assert(
        finite, [f"{name}: expected finite numbers, received NaN or infinity"]
    )
