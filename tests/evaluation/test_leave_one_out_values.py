"""Leaving out a row in closed form, against really leaving it out."""

import numpy as np
import pytest
from closeness import assert_close
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from tfmeta.evaluation.leave_one_out_values import STRENGTHS, best_strength, held_out_values

X, Y = load_diabetes(return_X_y=True)
X = (X[:25] - X[:25].mean(0)) / X[:25].std(0)
Y = np.stack([Y[:25], np.cos(Y[:25])], 1)
Y = (Y - Y.mean(0)) / Y.std(0)


def left_out(features, strength, noise):
    """`(errors, variances)` of Bayesian linear regression without each row in turn."""
    errors, variances = np.zeros_like(Y), np.zeros_like(Y)
    x = np.concatenate([features, np.ones((len(features), 1))], 1)
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        model = Ridge(alpha=strength, fit_intercept=False).fit(x[others], Y[others])
        errors[row] = model.predict(x[[row]])[0] - Y[row]
        precision = x[others].T @ x[others] + strength * np.eye(x.shape[1])
        variances[row] = noise * (1 + x[row] @ np.linalg.solve(precision, x[row]))
    return errors, variances


@pytest.mark.parametrize("strength", [0.03, 3.0])
@pytest.mark.parametrize("width", [4, 60])  # fewer and more features than rows
def test_each_row_is_left_out(strength, width):
    features = np.random.default_rng(0).normal(size=(10, width))
    features = X @ features / np.sqrt(10)
    found = held_out_values(features, Y, strength)
    errors, variances = left_out(features, strength, found.noise)
    assert_close(found.errors, errors, roundings=1e6, scale=1.0)
    assert_close(found.variances, variances, roundings=1e6, scale=1.0)


def test_the_strength_and_the_noise_are_the_likeliest():
    found = best_strength(X, Y)
    losses = {}
    for strength in STRENGTHS:
        noise = held_out_values(X, Y, strength).noise
        errors, variances = left_out(X, strength, noise)
        losses[strength] = -norm.logpdf(errors, scale=np.sqrt(variances)).mean()
        for other in (0.9 * noise, 1.1 * noise):
            errors, variances = left_out(X, strength, other)
            assert losses[strength] < -norm.logpdf(errors, scale=np.sqrt(variances)).mean()
    assert found.strength == min(losses, key=losses.get)
    inside = norm.cdf(-np.abs(found.errors), scale=np.sqrt(found.variances)) >= 0.05
    assert found.coverage90 == inside.mean()


def test_answers_that_are_off_by_next_to_nothing_are_exact():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    line = x @ [[1.0], [2.0], [-1.0]]
    line /= line.std()
    for noise, expected in ((0, True), (0.01, True), (0.05, False)):
        found = best_strength(x, line + noise * rng.normal(size=line.shape))
        assert found.are_exact == expected
