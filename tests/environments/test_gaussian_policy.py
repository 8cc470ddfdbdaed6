"""The Gaussian of a policy, beside SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_derivative, assert_within_chance
from scipy import stats

from tfmeta.environments.gaussian_policy import log_probability, mean_and_log_deviation, sample

RNG = np.random.default_rng(3)
OUTPUTS, ACTIONS = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))


def expected_log_probability(outputs, actions):
    mean, deviation = outputs[:, :2], np.exp(outputs[:, 2:])
    return stats.norm.logpdf(actions, mean, deviation).sum(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_probabilities_are_scipys(dtype):
    outputs, actions = OUTPUTS.astype(dtype), ACTIONS.astype(dtype)
    received = log_probability(outputs, actions)
    assert received.dtype == dtype
    expected = expected_log_probability(outputs.astype(float), actions.astype(float))
    assert_close(received, expected, dtype=dtype)


def test_samples_have_their_mean_and_deviation():
    number = 20_000
    outputs = np.tile(np.float32([1.5, -2.0, np.log(0.25), np.log(3.0)]), (number, 1))
    noise = np.random.default_rng(4).normal(size=(number, 2))
    drawn = sample(outputs, noise).numpy()
    deviations = np.array([0.25, 3.0])
    assert_within_chance((drawn.mean(0) - [1.5, -2.0]) / deviations, 0, number**-0.5)
    assert_within_chance(drawn.std(0) / deviations, 1, (2 * number) ** -0.5)
    np.testing.assert_array_equal(sample(outputs[:3], np.zeros((3, 2))), outputs[:3, :2])


def test_deviations_are_clipped_so_that_nothing_is_infinite():
    outputs = np.float32([[0.0, 0.0, -1e30, 1e30]])
    _, log_deviation = mean_and_log_deviation(outputs)
    assert_close(np.exp(log_deviation), [[1e-6, 1e6]], dtype=np.float32, roundings=64)  # of an exp
    expected = stats.norm.logpdf([0.5e-6, 2e6], 0, [1e-6, 1e6]).sum()
    with tf.GradientTape() as tape:
        x = tf.constant(outputs)
        tape.watch(x)
        found = log_probability(x, [[0.5e-6, 2e6]])
    assert_close(found[0], expected, dtype=np.float32, scale=30)
    gradient = tape.gradient(found, x).numpy()
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[0, 2:], 0)  # beyond the bounds it is constant
    assert np.isfinite(sample(outputs, [[3.0, -3.0]])).all()


def test_half_precision_is_computed_in_single():
    outputs = OUTPUTS.astype(np.float16)
    received = log_probability(outputs, ACTIONS.astype(np.float16))
    expected = expected_log_probability(outputs.astype(float), ACTIONS.astype(np.float16))
    assert_close(received, expected, dtype=np.float32)


def test_derivatives():
    """Of the density by outputs and actions, and of a sample by outputs."""
    x, noise = tf.constant(OUTPUTS), tf.constant(ACTIONS)
    direction = np.random.default_rng(5).normal(size=OUTPUTS.shape)

    def density(distance):
        return float(np.sum(expected_log_probability(OUTPUTS + distance * direction, ACTIONS)))

    def squares(distance):
        moved = OUTPUTS + distance * direction
        return float(np.sum((moved[:, :2] + np.exp(moved[:, 2:]) * ACTIONS) ** 2))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        total = tf.reduce_sum(log_probability(x, ACTIONS))
        squared = tf.reduce_sum(sample(x, noise) ** 2)
    for value, at in ((total, density), (squared, squares)):
        derivative = float(np.sum(tape.gradient(value, x) * direction))
        assert_derivative(at, derivative, step=1e-5)
