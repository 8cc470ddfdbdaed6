"""Logistic regression with signs, beside scikit-learn's without."""

import numpy as np
import pytest
from closeness import assert_close
from sklearn.linear_model import LogisticRegression

from tfmeta.evaluation.calibration import Answers, fitted, unknown_auroc
from tfmeta.evaluation.signed_logistic import signed_logistic

RNG = np.random.default_rng(0)
IS_ONE = RNG.random(200) < 0.2
X = RNG.normal(size=(200, 3)) + IS_ONE[:, np.newaxis] * [1.0, -0.7, 0.4]


def by_sklearn(x):
    model = LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=10_000)
    model.fit(x, IS_ONE)
    return [*model.intercept_, *model.coef_[0]]


def test_with_signs_that_fit_it_is_logistic_regression():
    bias, weights = signed_logistic(X, IS_ONE, [1, -1, 1])
    assert_close([bias, *weights], by_sklearn(X), dtype=np.float32)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_weight_of_the_other_sign_is_zero_and_the_rest_as_if_the_column_was_not_there(column):
    signs = np.array([1, -1, 1])
    signs[column] *= -1
    bias, weights = signed_logistic(X, IS_ONE, signs)
    assert weights[column] == 0
    others = np.arange(3) != column
    expected = by_sklearn(X[:, others])
    assert_close([bias, *weights[others]], expected, dtype=np.float32)


def test_doubt_about_the_few_examples_of_a_class_does_not_make_others_known():
    """Held out, an example's class has one left of two, and the classes of others have both."""
    labels = np.repeat(np.arange(5), 2)
    known = np.float32(np.eye(5)[labels] * 0.4)
    unknown = np.float32(np.eye(5)[(labels + 1) % 5] * 2.0)
    unknown[np.arange(10), labels] = -1e9
    alone = fitted(Answers(known, labels, unknown))
    assert (alone.of_doubt, alone.of_largest) == (0, 0)
    distances = np.concatenate([np.linspace(0.2, 0.6, 10), np.linspace(0.5, 1.2, 10)])
    answers = Answers(known, labels, unknown, np.float32(distances))
    found = fitted(answers)
    assert found.of_distance > 0
    pairs = distances[10:, np.newaxis] - distances[:10]
    assert_close(unknown_auroc(found, answers), ((pairs > 0) + 0.5 * (pairs == 0)).mean())
