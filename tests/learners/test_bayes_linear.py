"""Bayesian linear regression against NumPy's closed form and scikit-learn's Gaussian process."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_gradients
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct

import tfmeta
from tfmeta.episodes.target_kind import VALUES

SUPPORT, QUERIES, UNITS, OUTPUTS = 7, 5, 4, 2
CENTRE, SPREAD = 9_000.0, 1_500.0


@pytest.fixture(autouse=True)
def _wide(float64):
    """Rounding must not hide a wrong term."""


def learner(num_outputs=OUTPUTS, **options):
    """On vectors as they are."""
    inputs = keras.Input((UNITS,))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    return tfmeta.BayesLinear(network, num_outputs=num_outputs, **options)


def with_random_prior(ours, rng):
    for variable in ours.trainable_variables:
        variable.assign(0.5 * rng.normal(size=variable.shape))
    return ours


def drawn(rng, num_outputs=OUTPUTS):
    sizes = (SUPPORT, UNITS), (SUPPORT, num_outputs), (QUERIES, UNITS), (QUERIES, num_outputs)
    return tfmeta.Episode(*(rng.normal(size=size) for size in sizes))


def by_hand(ours, episode):
    """Equations 6 to 8 as the paper has them, with the precision: means and variances."""
    x, query = (np.c_[v, np.ones(len(v))] for v in (episode.support_x, episode.query_x))
    free = ours.prior_factor.numpy()
    factor = np.tril(free, -1) + np.diag(np.exp(np.diag(free)))
    prior_precision = np.linalg.inv(factor @ factor.T)
    precision = x.T @ x + prior_precision
    mean = np.linalg.inv(precision) @ (
        x.T @ episode.support_y + prior_precision @ ours.prior_mean.numpy()
    )
    of_weights = np.einsum("qi,ij,qj->q", query, np.linalg.inv(precision), query)
    noise = np.exp(ours.log_noise_variance.numpy())
    return query @ mean, (1 + of_weights)[:, None] * noise


def answers(ours, episode):
    state = ours.adapt(episode.support_x, episode.support_y)
    return (f(state, episode.query_x) for f in (ours.predict_with, ours.variance_with))


@pytest.mark.parametrize("seed", range(3))
def test_means_and_variances_are_those_of_the_papers_equations(seed):
    rng = np.random.default_rng(seed)
    ours, episode = with_random_prior(learner(), rng), drawn(rng)
    for received, expected in zip(answers(ours, episode), by_hand(ours, episode), strict=True):
        assert_close(received, expected)


def test_with_a_unit_prior_it_is_a_gaussian_process_with_a_linear_kernel():
    ours, episode = learner(1), drawn(np.random.default_rng(5), 1)
    ours.noise_exponent.assign([np.log(0.3) / 10])
    # The prior covariance of the weights is the noise variance times the identity.
    kernel = 0.3 * DotProduct(sigma_0=1.0, sigma_0_bounds="fixed")
    theirs = GaussianProcessRegressor(kernel, alpha=0.3, optimizer=None)
    theirs.fit(episode.support_x, episode.support_y[:, 0])
    mean, deviation = theirs.predict(episode.query_x, return_std=True)
    received_mean, received_variance = answers(ours, episode)
    assert_close(received_mean[:, 0], mean)
    assert_close(received_variance[:, 0], deviation**2 + 0.3)  # theirs is without the noise


def test_the_loss_is_the_negative_log_density_of_the_queries():
    from scipy.stats import norm

    rng = np.random.default_rng(7)
    ours, episode = with_random_prior(learner(), rng), drawn(rng)
    mean, variance = by_hand(ours, episode)
    expected = -norm(mean, np.sqrt(variance)).logpdf(episode.query_y).mean()
    _, logs = ours.task_gradients(episode)
    assert_close(logs["loss"], expected)


def test_its_gradient_equals_finite_differences():
    rng = np.random.default_rng(8)
    ours, episode = with_random_prior(learner(), rng), drawn(rng)
    gradients, _ = ours.task_gradients(episode)
    loss = tf.function(lambda: ours.task_gradients(episode)[1]["loss"], autograph=False)
    assert_gradients(loss, ours.trainable_variables, gradients, step=1e-6)


def test_answers_are_in_the_users_unit_and_the_variance_in_its_square():
    rng = np.random.default_rng(9)
    plain, episode = with_random_prior(learner(), rng), drawn(rng)
    scaled = learner(target_centre=CENTRE, target_spread=SPREAD)
    for variable, value in zip(scaled.variables, plain.variables, strict=True):
        variable.assign(value)
    large = episode._replace(
        support_y=SPREAD * episode.support_y + CENTRE, query_y=SPREAD * episode.query_y + CENTRE
    )
    (mean, variance), (large_mean, large_variance) = answers(plain, episode), answers(scaled, large)
    assert_close(large_mean, SPREAD * mean + CENTRE)
    assert_close(large_variance, SPREAD**2 * variance)
    losses = [f.task_gradients(e)[1]["loss"] for f, e in ((plain, episode), (scaled, large))]
    assert_close(losses[0], losses[1], roundings=1e4)  # the centre costs four digits


def test_classes_are_regressions_of_one_hot_targets():
    rng = np.random.default_rng(10)
    ours, episode = with_random_prior(learner(None), rng), drawn(rng)
    labels = np.array([0, 0, 1, 1, 2, 2, 2], np.int32)
    x, query = (np.c_[v, np.ones(len(v))] for v in (episode.support_x, episode.query_x))
    free = ours.prior_factor.numpy()
    factor = np.tril(free, -1) + np.diag(np.exp(np.diag(free)))
    precision = np.linalg.inv(factor @ factor.T)
    mean = np.linalg.solve(
        x.T @ x + precision, x.T @ np.eye(3)[labels] + precision @ ours.prior_mean.numpy()
    )
    received = ours.predict_with(ours.adapt(episode.support_x, labels), episode.query_x)
    assert_close(received, np.exp(ours.log_scale.numpy()) * query @ mean)
    assert not ours.has_variance


def test_the_noise_is_learned_ten_times_as_fast_as_adam_moves_a_weight():
    ours, rate = learner(), 1e-3
    ours.compile(keras.optimizers.Adam(rate), jit_compile=False)
    episode = drawn(np.random.default_rng(11))
    exact = episode._replace(
        query_y=ours.predict_with(ours.adapt(episode.support_x, episode.support_y), episode.query_x)
    )  # with no error at all the noise can only fall
    tasks = tf.data.Dataset.from_tensors(exact).batch(1)
    before = ours.log_noise_variance.numpy()
    ours.fit(tasks, verbose=0)
    # Adam's first step is the rate times the sign, but for its epsilon.
    assert_close(ours.log_noise_variance, before - 10 * rate, roundings=1e10)


@pytest.mark.parametrize("option", ["noise_variance", "scale"])
def test_what_must_be_positive_is_refused_otherwise(option):
    num_outputs = 1 if option == "noise_variance" else None
    with pytest.raises(ValueError, match=rf"received {option}=0; expected a positive number"):
        learner(num_outputs, **{option: 0})


def test_values_without_their_number_are_refused():
    with pytest.raises(ValueError, match="received targets='values' without num_outputs"):
        learner(None, targets="values")


def test_a_loss_that_training_would_not_minimise_is_refused_by_its_name():
    ours = learner()
    with pytest.raises(ValueError, match="received the loss 'mean_absolute_error'"):
        ours.compile(loss="mae")
    ours.compile(loss=keras.losses.MeanSquaredError())
    assert ours.target_kind == VALUES


def test_a_network_that_ends_with_a_map_is_refused():
    network = tfmeta.networks.conv4((8, 8, 1), None, features="map", num_blocks=2, filters=4)
    with pytest.raises(ValueError, match=r"outputs of shape \(None, 2, 2, 4\); expected \(batch"):
        tfmeta.BayesLinear(network)
