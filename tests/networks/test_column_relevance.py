"""How much columns count, against SciPy's normal density, differences, and known answers."""

import numpy as np
import pytest
from closeness import assert_close
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal

from tfmeta.networks.column_relevance import _few_of, _Likelihood, relevance_of

RNG = np.random.default_rng(0)
RANKS, COLUMNS, TARGETS = (RNG.normal(size=(12, size)) for size in (3, 3, 2))


def density(logarithms):
    """Minus the logarithm of the posterior density, but for a constant, by SciPy."""
    weights, (linear, alike, noise) = np.split(np.exp(logarithms), [3])
    kernel = np.exp(-cdist(RANKS * weights, RANKS * weights, "cityblock") / 3)
    covariance = linear * COLUMNS @ COLUMNS.T / 3 + alike * kernel + (noise + 1e-6) * np.eye(12)
    of_data = multivariate_normal(cov=covariance).logpdf(TARGETS.T).sum()
    constant = TARGETS.size / 2 * np.log(2 * np.pi)
    return -of_data - constant + (logarithms[:3] ** 2).sum() / 2


def test_the_density_and_its_slope_are_right():
    likelihood = _Likelihood(RANKS, COLUMNS, TARGETS)
    for _ in range(3):
        at = RNG.normal(size=6)
        value, slope = likelihood(at)
        assert_close(np.float32(value), np.float32(density(at)), roundings=10)
        steps = 1e-5 * np.eye(6)
        differences = [(density(at + step) - density(at - step)) / 2e-5 for step in steps]
        assert_close(np.float32(slope), np.float32(differences), roundings=100)


def decided(rows, others=30):
    """Rows of which one column decides alone, by a threshold, and the others say nothing."""
    x = np.random.default_rng(1).normal(size=(rows, 1 + others))
    return x, (x[:, 0] > 0.3).astype(int)


@pytest.mark.parametrize("rows", [40, 1000])
def test_a_column_that_decides_counts_most(rows):
    x, labels = decided(rows)
    values = 5.0 * labels[:, np.newaxis]
    for found in (relevance_of(x, x, values), relevance_of(x, x, np.eye(2)[labels], labels)):
        assert found.weights.argmax() == 0
        assert found.weights[0] > 5 * found.weights[1:].max()
        assert found.alike > found.linear


def test_what_is_linear_is_found_to_be():
    x = RNG.normal(size=(60, 4))
    found = relevance_of(x, x, x @ [[1.0], [2.0], [-1.0], [0.5]])
    assert found.linear > 10 * found.alike


@pytest.mark.parametrize(
    ("ranks", "targets"),
    [
        (RANKS[:9], TARGETS[:9]),  # too few
        (RANKS, np.ones((12, 1))),  # nothing to explain
        (np.zeros((12, 3)), TARGETS),  # and nothing to explain it with
        (np.zeros((0, 3)), np.zeros((0, 1))),
    ],
)
def test_where_nothing_can_be_said_all_columns_count_the_same(ranks, targets):
    found = relevance_of(ranks, ranks, targets)
    assert found.weights.tolist() == [1, 1, 1]
    assert found.linear == found.alike


def test_a_constant_column_changes_nothing():
    beside = np.c_[RANKS, np.full(12, 7.0)]
    found = relevance_of(beside, beside, TARGETS)
    alone = relevance_of(RANKS, RANKS, TARGETS)
    np.testing.assert_array_equal(found.weights, [*alone.weights, 1])


def test_of_many_rows_the_rare_classes_are_all_compared():
    labels = np.repeat([0, 1, 2], [5000, 20, 1])
    rows = _few_of(labels, columns=4)
    assert len(rows) == len(set(rows)) == 300
    assert np.bincount(labels[rows]).tolist() == [279, 20, 1]
    assert len(_few_of(labels, columns=2**20)) == 5
