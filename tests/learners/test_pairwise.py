"""What compares vectors pair by pair: right, differentiable, and the same in any company."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_derivative

import tfmeta
from tfmeta.learners import pairwise
from tfmeta.learners.common_sizes import ITS_OWN
from tfmeta.learners.forward_pass import ForwardPass

UNITS = (1, 3, 6, 17, 64, 100)  # whole registers of every processor, and what is left over
FUNCTIONS = {
    "squared_distances": (
        pairwise.squared_distances,
        lambda a, b: ((a[:, None] - b[None]) ** 2).sum(-1),
    ),
    "inner_products": (pairwise.inner_products, lambda a, b: a @ b.T),
    "weighted_differences": (
        lambda a, b: pairwise.weighted_differences(
            a, b, tf.range(1, 1 + a.shape[1], dtype=a.dtype)
        ),
        lambda a, b: np.abs(a[:, None] - b[None]) @ np.arange(1.0, 1 + a.shape[1]),
    ),
    "cosine": (
        lambda a, b: pairwise.inner_products(pairwise.unit_vectors(a), pairwise.unit_vectors(b)),
        lambda a, b: unit(a) @ unit(b).T,
    ),
}
each_function = pytest.mark.parametrize(
    ("function", "reference"), FUNCTIONS.values(), ids=FUNCTIONS.keys()
)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def vectors(number, units, seed=0):
    return np.random.default_rng(seed).normal(size=(number, units)).astype(np.float32)


@each_function
@pytest.mark.parametrize("units", UNITS)
def test_it_is_what_numpy_says_in_float64(function, reference, units):
    a, b = vectors(12, units), vectors(5, units, seed=1)
    expected = reference(a.astype(np.float64), b.astype(np.float64))
    # Terms added up in pairs of pairs: as many roundings as levels, and those of each term.
    assert_close(function(tf.constant(a), tf.constant(b)), expected, roundings=20)


@pytest.mark.fault(
    "one query alone, and the same query among others, compared with the same support set",
    "the same to the last bit: the order of adding up depends on neither the company nor the "
    "processor",
)
@each_function
@pytest.mark.parametrize("units", UNITS)
def test_a_pair_has_its_number_to_the_bit_whatever_is_beside_it(function, reference, units):
    a, b = tf.constant(vectors(61, units)), tf.constant(vectors(5, units, seed=1))
    together = function(a, b).numpy()
    for first, last in ((0, 1), (0, 2), (3, 6), (7, 20), (60, 61)):
        np.testing.assert_array_equal(function(a[first:last], b), together[first:last])
        np.testing.assert_array_equal(function(a[first:last], b[4:]), together[first:last, 4:])


@each_function
def test_its_derivatives_are_those_of_the_plain_formula_twice_over(function, reference):
    """They are written out, so that the tensor of all pairs isn't kept for them."""
    rng = np.random.default_rng(3)
    a, b, upstream = (tf.constant(rng.normal(size=size)) for size in ((5, 4), (3, 4), (5, 3)))

    def gradients(a, b, upstream):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            values = function(a, b)
        return tape.gradient(values, [a, b], upstream)

    def scalar(a, b):
        return np.sum(reference(a, b) * upstream.numpy())

    with tf.GradientTape() as tape:
        tape.watch([a, b])
        first = gradients(a, b, upstream)
        mixed = tf.reduce_sum(first[0] ** 3) + tf.reduce_sum(first[1] ** 3)
    second = tape.gradient(mixed, [a, b])
    direction = [rng.normal(size=t.shape) for t in (a, b)]

    def moved(of):
        return lambda step: of(a.numpy() + step * direction[0], b.numpy() + step * direction[1])

    def along(gradient):
        return sum(float(np.sum(g.numpy() * d)) for g, d in zip(gradient, direction, strict=True))

    def mixed_of(a, b):
        of_a, of_b = gradients(tf.constant(a), tf.constant(b), upstream)
        return float(tf.reduce_sum(of_a**3) + tf.reduce_sum(of_b**3))

    assert_derivative(moved(scalar), along(first), step=1e-5)
    assert_derivative(moved(mixed_of), along(second), step=1e-5)


def identity(units):
    import keras

    inputs = keras.Input((units,))
    return keras.Model(inputs, keras.layers.Identity()(inputs))


EXACT = {
    "prototypical": (tfmeta.Prototypical, {}),
    "siamese": (tfmeta.Siamese, {"objective": "contrastive"}),
    "siamese-triplet": (tfmeta.Siamese, {"objective": "triplet"}),
    "siamese-logistic": (tfmeta.Siamese, {"objective": "logistic"}),
}


def answers(learner, units, *, queries):
    """The same 7 queries by themselves, in threes and together, compared with 3 ways of 2."""
    support = tf.constant(vectors(6, units, seed=2))
    members = tf.one_hot([0, 1, 2, 2, 1, 0], 3)
    state = learner.summarise(support, members, ITS_OWN)
    forward = ForwardPass(batch_statistics=False)
    embedded = tf.constant(vectors(7, units))
    parts = [
        learner.compare(state, embedded[first : first + queries], forward).numpy()
        for first in range(0, 7, queries)
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("units", UNITS)
def test_a_comparison_of_embedded_queries_does_not_depend_on_their_number(name, units):
    learner, options = EXACT[name]
    learner = learner(identity(units), **options)
    together = answers(learner, units, queries=7)
    for queries in (1, 3):
        np.testing.assert_array_equal(answers(learner, units, queries=queries), together)


@pytest.mark.parametrize("units", UNITS)
def test_matching_only_rounds_its_exponentials_and_logarithms_another_way(units):
    """TensorFlow has two of each, for whole registers and for the rest, a bit apart."""
    learner = tfmeta.Matching(identity(units), similarity_scale=20.0)
    together = answers(learner, units, queries=7)
    for queries in (1, 3):
        alone = np.exp(answers(learner, units, queries=queries))
        assert_close(alone, np.exp(together), roundings=20, scale=1.0)
