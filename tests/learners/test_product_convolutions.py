"""Convolutions whose derivatives are products: TensorFlow's own numbers, and where they apply."""

import contextlib
import itertools

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close
from nightly import crossed

from tfmeta.learners import product_convolutions
from tfmeta.learners.product_convolutions import Convolution, convolutions_with_products

IMAGES = 8
SORTS = [
    *itertools.product([(14, 11)], (2, 3, 5), [(2, 2), (1, 1), (3, 2)]),
    ((15, 16), 3, (2, 2)),
]


def derivatives(x, kernel, strides, padding, *, with_products):
    """A convolution with its first derivatives, and those of their sines."""
    mode = convolutions_with_products() if with_products else contextlib.nullcontext()
    with mode, tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as inner:
            inner.watch([x, kernel])
            y = tf.nn.convolution(x, kernel, strides, padding)
            loss = tf.reduce_sum(tf.sin(y))
        first = inner.gradient(loss, [x, kernel])
        of_first = tf.add_n([tf.reduce_sum(tf.sin(each)) for each in first])
    return [y, *first, *outer.gradient(of_first, [x, kernel])]


def operations(*arguments, **options):
    """The kinds of operations in the graph of `derivatives`."""
    graph = tf.function(derivatives, autograph=False)
    return {
        operation.type
        for operation in graph.get_concrete_function(*arguments, **options).graph.get_operations()
    }


@crossed("sort, channels_and_padding", SORTS, list(itertools.product([2, 9], ["SAME", "VALID"])))
def test_it_equals_tensorflows_own_with_its_derivatives(sort, channels_and_padding, monkeypatch):
    size, kernel, strides = sort
    channels, padding = channels_and_padding
    monkeypatch.setattr(product_convolutions, "_FEWEST_PATCHES", 1)
    monkeypatch.setattr(product_convolutions, "_MOST_BYTES", 20_000)  # several parts
    monkeypatch.setattr(product_convolutions, "_MOST_PARTS", 10_000)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(IMAGES, *size, channels)))
    weights = tf.constant(rng.normal(size=(kernel, kernel, channels, 7)))
    arguments = (x, weights, strides, padding)
    assert "Conv2DBackpropFilter" not in operations(*arguments, with_products=True)
    compiled = tf.function(derivatives, autograph=False)
    assert_all_close(
        compiled(*arguments, with_products=True), compiled(*arguments, with_products=False)
    )


@pytest.mark.parametrize(
    ("images", "pays"),
    [((5, 14, 14, 64), True), ((5, 7, 7, 64), False), ((2000, 84, 84, 64), False)],
)
def test_it_is_for_many_patches_that_fit_into_memory(images, pays):
    assert Convolution(images, (3, 3, 64, 64), (2, 2), "SAME").pays is pays


@pytest.mark.parametrize(
    ("shape", "kernel", "options"),
    [
        ((8, 14, 14, 4), (3, 3, 4, 5), {"dilations": 2}),
        ((8, 14, 14, 4), (3, 3, 2, 6), {}),
        ((None, 14, 14, 4), (3, 3, 4, 5), {}),
        ((8, None, 14, 4), (3, 3, 4, 5), {}),
        ((8, 300, 4), (3, 4, 5), {}),
        ((8, 4, 14, 14), (3, 3, 4, 5), {"data_format": "NCHW"}),
    ],
)
def test_what_it_does_not_take_stays_as_it_is(shape, kernel, options):
    def count(with_products):
        def run(x, weights):
            mode = convolutions_with_products() if with_products else contextlib.nullcontext()
            with mode:
                return tf.nn.convolution(x, weights, **options)

        specs = [tf.TensorSpec(each, tf.float32) for each in (shape, kernel)]
        graph = tf.function(run, autograph=False).get_concrete_function(*specs).graph
        return [operation.type for operation in graph.get_operations()]

    assert count(True) == count(False)


def test_half_precision_stays_as_it_is():
    x = tf.ones((8, 14, 14, 4), tf.bfloat16)
    weights = tf.ones((3, 3, 4, 5), tf.bfloat16)
    assert "IdentityN" not in operations(x, weights, (1, 1), "SAME", with_products=True)
