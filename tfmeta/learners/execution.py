"""How the tasks of a batch are run: side by side, one core each, or as one batched computation.

Both ways run the same function of one task, and its gradient is taken inside that function. So
nothing of a task's graph outlives the task in the mapped way, and XLA finds no shape to infer
across the boundary in the vectorised one. The numbers are equal but for rounding.
"""

import tensorflow as tf

# Enough in flight to keep the cores busy while one task waits for its last operation.
_TASKS_IN_FLIGHT = 10


def map_tasks(task_function, elements, *, vectorised: bool):
    """Applies a function of one task to a batch of tasks.

    Args:
        task_function: one task's (unstacked) elements -> a nested structure of tensors.
        elements: nested structure of tensors `(tasks, ...)`.
        vectorised: one batched computation instead of a loop over the tasks.

    Returns:
        The structure that `task_function` returns, each tensor `(tasks, ...)`.
    """
    if vectorised:
        return tf.vectorized_map(task_function, elements)
    first = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape[1:], t.dtype), elements)
    outputs = tf.function(task_function, autograph=False).get_concrete_function(first)
    return tf.map_fn(
        task_function,
        elements,
        fn_output_signature=tf.nest.map_structure(
            lambda t: tf.TensorSpec(t.shape, t.dtype), outputs.structured_outputs
        ),
        parallel_iterations=_TASKS_IN_FLIGHT,
    )


def mean_gradients(task_gradients, episodes, *, variables, vectorised: bool):
    """The tasks' mean gradient and mean statistics, and what each task reports.

    Args:
        task_gradients: one task's Episode -> `(gradients, logs)`, as `MetaLearner.task_gradients`.
        episodes: Episode of tensors `(tasks, ...)`.
        variables: two lists: those that the gradients belong to, and those that the `statistics` in
            the logs belong to.
        vectorised: see `map_tasks`.

    Returns:
        `(gradients, statistics, logs)`: one list for each list of variables, and the other logs
        with a leading tasks dimension.
    """
    if vectorised:
        gradients, logs = tf.vectorized_map(task_gradients, episodes)
        statistics = logs.pop("statistics", [])
        means = [[tf.reduce_mean(t, 0) for t in tensors] for tensors in (gradients, statistics)]
        return *means, logs
    num_tasks = tf.shape(tf.nest.flatten(episodes)[0])[0]
    dtype = variables[0][0].dtype

    # The sum is kept inside the loop, so that memory does not grow with the meta-batch, and its
    # order is that of the tasks whichever ends first, so that a run can be repeated to the bit.
    def body(task, totals, losses, outputs):
        gradients, logs = task_gradients(tf.nest.map_structure(lambda t: t[task], episodes))
        totals = tf.nest.map_structure(
            lambda a, b: a + b, totals, [list(gradients), list(logs.get("statistics", []))]
        )
        return (
            task + 1,
            totals,
            losses.write(task, logs["loss"]),
            outputs.write(task, logs["outputs"]),
        )

    _, totals, losses, outputs = tf.while_loop(
        lambda task, *_: task < num_tasks,
        body,
        (
            0,
            [[tf.zeros(v.shape, v.dtype) for v in each] for each in variables],
            tf.TensorArray(dtype, num_tasks),
            tf.TensorArray(dtype, num_tasks),
        ),
        parallel_iterations=_TASKS_IN_FLIGHT,
    )
    scale = tf.cast(num_tasks, dtype)
    gradients, statistics = tf.nest.map_structure(lambda total: total / scale, totals)
    return gradients, statistics, {"loss": losses.stack(), "outputs": outputs.stack()}
