"""Convolutions by patches: TensorFlow's own numbers, and no loop over the tasks."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close
from conformance_table import classification_batch, conv
from nightly import crossed

import tfmeta
from tfmeta.learners.patch_convolutions import convolutions_by_patches

SIZE = (7, 8, 6)

# (dimensions, kernel, stride, dilation, groups). TensorFlow has no stride with a dilation. It needs
# XLA for groups on a CPU. Its Conv3D of one element leaves the stride out, in float64.
SORTS = [
    *((2, kernel, *steps, 1) for kernel in (1, 3) for steps in ((1, 1), (2, 1), (1, 2))),
    (2, 3, 1, 1, 2),
    (2, 3, 2, 1, 2),
    (1, 3, 2, 1, 1),
    (1, 2, 1, 2, 1),
    (3, 3, 2, 1, 1),
]


def derivatives(x, kernel, *options, by_patches):
    """A convolution with its first derivatives, and those of their squares."""
    mode = convolutions_by_patches() if by_patches else contextlib.nullcontext()
    strides, padding, dilations = options
    with mode, tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as inner:
            inner.watch([x, kernel])
            y = tf.nn.convolution(x, kernel, strides, padding, dilations=dilations)
            loss = tf.reduce_sum(tf.sin(y))
        first = inner.gradient(loss, [x, kernel])
        of_first = tf.add_n([tf.reduce_sum(tf.sin(each)) for each in first])
    return [y, *first, *outer.gradient(of_first, [x, kernel])]


@crossed("sort, padding", SORTS, ["SAME", "VALID"])
def test_it_equals_tensorflows_own_with_its_derivatives(sort, padding):
    rank, kernel, stride, dilation, groups = sort
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, *SIZE[:rank], 4)))
    weights = tf.constant(rng.normal(size=(*(kernel,) * rank, 4 // groups, 6)))

    def run(by_patches):
        return derivatives(x, weights, stride, padding, dilation, by_patches=by_patches)

    compiled = tf.function(run, autograph=False, jit_compile=groups > 1)
    assert_all_close(compiled(False), compiled(True))


def test_what_it_does_not_take_stays_as_it_is():
    """Channels first on a CPU, which TensorFlow refuses, and an input without a fixed size."""
    with convolutions_by_patches():
        with pytest.raises(tf.errors.OpError):
            tf.nn.convolution(tf.ones((1, 2, 5, 5)), tf.ones((3, 3, 2, 4)), data_format="NCHW")
        graph = tf.function(tf.nn.convolution, autograph=False).get_concrete_function(
            tf.TensorSpec((1, None, None, 2)), tf.TensorSpec((3, 3, 2, 4))
        )
    assert "Conv2D" in {node.type for node in graph.graph.get_operations()}


def test_outside_of_its_body_nothing_is_replaced():
    with convolutions_by_patches():
        pass
    graph = tf.function(tf.nn.convolution, autograph=False).get_concrete_function(
        tf.TensorSpec((1, 5, 5, 2)), tf.TensorSpec((3, 3, 2, 4))
    )
    assert "Conv2D" in {node.type for node in graph.graph.get_operations()}


def test_no_loop_over_the_tasks_is_left():
    """Second-order MAML with a kernel per task, which TensorFlow would run one after another."""
    learner = tfmeta.MAML(conv(), 2, vectorised=True)
    learner.compile(jit_compile=False)
    batch = classification_batch()
    graph = tf.function(learner.train_step, autograph=False).get_concrete_function(batch)
    kinds = {node.type for node in graph.graph.get_operations()}
    assert not kinds & {"While", "StatelessWhile", "Conv2D", "Conv2DBackpropFilter"}
    assert "BatchMatMulV2" in kinds


@pytest.mark.parametrize(("device", "expected"), [("GPU", True), ("TPU", True), ("none", False)])
def test_the_device_chooses(device, expected, monkeypatch):
    def devices(kind=None):
        return [object()] if kind == device else []

    learner = tfmeta.MAML(conv())
    monkeypatch.setattr(tf.config, "list_logical_devices", devices)
    assert learner.is_vectorised is expected
