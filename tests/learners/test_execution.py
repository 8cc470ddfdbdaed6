"""How the tasks of a batch run: each once, by a function that is traced once."""

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.learners.execution import map_tasks


@pytest.mark.parametrize("in_a_graph", [False, True])
def test_a_mapped_function_is_traced_once_and_sees_every_task(in_a_graph):
    calls = []

    def of_a_task(task):
        calls.append(task)
        return {"doubled": 2 * task["x"], "sum": tf.reduce_sum(task["x"])}

    def of_all(tasks):
        return map_tasks(of_a_task, tasks, vectorised=False)

    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    run = tf.function(of_all, autograph=False) if in_a_graph else of_all
    received = run({"x": tf.constant(x)})
    np.testing.assert_array_equal(received["doubled"], 2 * x)
    np.testing.assert_array_equal(received["sum"], [1, 5, 9])
    assert len(calls) == 1
