"""`unknown` of classes with one example each, beside distances by SciPy."""

import numpy as np
import pytest
from closeness import assert_close
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from tfmeta.confidence import Confidence
from tfmeta.evaluation.between_classes import confidence_between_classes


def unit(x):
    return np.float32(x / np.linalg.norm(x, axis=1, keepdims=True))


def test_a_query_as_far_as_the_classes_are_from_each_other_is_unknown():
    rows = unit(np.random.default_rng(0).normal(size=(6, 9)))
    between = cdist(rows, rows, "sqeuclidean") + 9 * np.eye(6)
    typical = np.median(between.min(1))
    found = confidence_between_classes(rows)
    logits = np.float32(np.random.default_rng(1).normal(size=(4, 6)))
    distances = np.float32(np.array([0, 0.85, 1, 2]) * typical)
    scores = found.unknown(logits, distance=distances).numpy()
    expected = 1 / (1 + np.exp(-8 * (np.array([0, 0.85, 1, 2]) - 0.85)))
    assert_close(scores, np.float32(expected), roundings=64)


def test_other_digits_are_told_better_than_by_doubt():
    digits = load_digits()
    x, rng = unit(digits.data), np.random.default_rng(0)
    by_score, by_doubt = [], []
    for _ in range(20):
        known = rng.permutation(10)[:5]
        support = np.array([rng.choice(np.flatnonzero(digits.target == each)) for each in known])
        query = rng.permutation(len(x))[:200]
        is_other = ~np.isin(digits.target[query], known)
        distance = cdist(x[query], x[support], "sqeuclidean")
        logits = np.float32(-10 * distance)
        score = confidence_between_classes(x[support]).unknown(
            logits, distance=np.float32(distance.min(1))
        )
        by_score.append(roc_auc_score(is_other, score))
        by_doubt.append(roc_auc_score(is_other, Confidence().unknown(logits)))
    assert np.mean(by_score) > np.mean(by_doubt) + 0.03


@pytest.mark.parametrize("rows", [np.ones((3, 4)), np.eye(4)[[0, 0, 1, 1, 2]]])
def test_classes_of_the_same_example_leave_the_score_as_it_was(rows):
    assert confidence_between_classes(unit(rows)) == Confidence()
