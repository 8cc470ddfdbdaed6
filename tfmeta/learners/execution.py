"""Runs the tasks of a batch: in parallel, one task per core, or as one batched computation.

The first suits convolutions on a CPU, the second dense networks and accelerators.

Both ways run the same function of one task, and the gradient is taken inside that function. So in
the mapped way no part of a task's graph is kept after the task, and in the vectorised way XLA has
no shapes to infer across the function's border. The numbers are equal except for rounding.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.learners.patch_convolutions import convolutions_by_patches
from tfmeta.learners.product_convolutions import convolutions_with_products
from tfmeta.runtime import may_use_onednn, usable_cores


def _tasks_at_once() -> int:
    """One task per thread, at least two: while one task waits, another runs.

    More would take turns, and each would find the caches filled by the others. With oneDNN it is
    one: TensorFlow 2.21 crashed in the cache of its primitives and in its reorderings, in 4 of 28
    trainings of a convolutional network with batch normalisation and max-pooling that ran two tasks
    at once, and in none of 31 with one.
    """
    if may_use_onednn():
        return 1
    threads = tf.config.threading.get_inter_op_parallelism_threads()  # 0 where nothing set it
    return max(2, threads or usable_cores())


def has_accelerator() -> bool:
    """Whether TensorFlow sees a GPU or a TPU."""
    return any(tf.config.list_logical_devices(kind) for kind in ("GPU", "TPU"))


def map_tasks(task_function: Any, elements: Any, *, vectorised: bool) -> tf.Tensor:
    """Applies a function of one task to a batch of tasks.

    Args:
        task_function: the elements of one task -> a nested structure of tensors.
        elements: nested structure of tensors `(tasks, ...)`.
        vectorised: whether to run one batched computation and not a loop over the tasks.

    Returns:
        The structure that `task_function` returns, with tensors `(tasks, ...)`.
    """
    if vectorised:
        return _vectorised(task_function, elements)
    first = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape[1:], t.dtype), elements)
    traced = tf.function(task_function, autograph=False).get_concrete_function(first)
    return tf.map_fn(
        traced,
        elements,
        fn_output_signature=tf.nest.map_structure(
            lambda t: tf.TensorSpec(t.shape, t.dtype), traced.structured_outputs
        ),
        parallel_iterations=_tasks_at_once(),
    )


def mean_gradients(
    task_gradients: Callable[..., Any], episodes: Any, *, variables: list[Any], vectorised: bool
) -> tuple[list[tf.Tensor], list[tf.Tensor], dict[str, tf.Tensor]]:
    """The tasks' mean gradients and mean statistics, and each task's other logs.

    Args:
        task_gradients: the elements of one task -> `(gradients, logs)`; see
            `MetaLearner.task_gradients`.
        episodes: nested structure of tensors `(tasks, ...)`, an Episode and what belongs to each.
        variables: two lists of variables: those of the gradients, and those of the `statistics` in
            the logs.
        vectorised: see `map_tasks`.

    Returns:
        `(gradients, statistics, logs)`: one list for each list of variables, and the other logs
        with a leading tasks dimension.
    """
    if vectorised:
        gradients, logs = _vectorised(task_gradients, episodes)
        statistics = logs.pop("statistics", [])
        means = [[tf.reduce_mean(t, 0) for t in tensors] for tensors in (gradients, statistics)]
        return means[0], means[1], logs
    num_tasks = tf.shape(tf.nest.flatten(episodes)[0])[0]
    dtype = variables[0][0].dtype

    # The sum is made inside the loop, so that memory does not grow with the meta-batch. It is made
    # in the order of the tasks, whichever ends first, so that a run can be repeated bit by bit.
    def body(task: Any, totals: Any, losses: tf.Tensor, outputs: tf.Tensor) -> Any:
        with convolutions_with_products():
            gradients, logs = task_gradients(tf.nest.map_structure(lambda t: t[task], episodes))
        totals = tf.nest.map_structure(
            lambda a, b: a + b, totals, [list(gradients), list(logs.get("statistics", []))]
        )
        losses = losses.write(task, logs["loss"])
        return task + 1, totals, losses, outputs.write(task, logs["outputs"])

    _, totals, losses, outputs = tf.while_loop(
        lambda task, *_: task < num_tasks,
        body,
        (
            0,
            [[tf.zeros(v.shape, v.dtype) for v in each] for each in variables],
            tf.TensorArray(dtype, num_tasks),
            tf.TensorArray(dtype, num_tasks),
        ),
        parallel_iterations=_tasks_at_once(),
    )
    scale = tf.cast(num_tasks, dtype)
    gradients, statistics = tf.nest.map_structure(lambda total: total / scale, totals)
    return gradients, statistics, {"loss": losses.stack(), "outputs": outputs.stack()}


def _vectorised(task_function: Callable[..., Any], elements: Any) -> Any:
    with convolutions_by_patches():
        return tf.vectorized_map(task_function, elements)
