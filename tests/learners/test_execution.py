"""How the tasks of a batch run: each once, by a function that is traced once."""

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.learners.execution import map_tasks, mean_gradients


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


@pytest.mark.parametrize(
    ("setting", "at_once"), [("0", {2}), ("false", {2}), ("1", {1}), (None, {1})]
)
def test_with_onednn_one_task_runs_at_a_time(monkeypatch, setting, at_once):
    """TensorFlow crashes in oneDNN's kernels if several do."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    if setting is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    monkeypatch.setattr(tf.config.threading, "get_inter_op_parallelism_threads", lambda: 2)
    weight = tf.Variable(1.0)

    def gradients(x):
        return [x * weight], {"loss": x, "outputs": x}

    @tf.function
    def both(x):
        mean = mean_gradients(gradients, x, variables=[[weight], []], vectorised=False)
        return mean, map_tasks(lambda task: 2 * task, x, vectorised=False)

    graph = both.get_concrete_function(tf.TensorSpec((3,))).graph
    loops = [op for op in graph.get_operations() if "While" in op.type]
    assert {op.get_attr("parallel_iterations") for op in loops} == at_once
    assert len(loops) == 2
