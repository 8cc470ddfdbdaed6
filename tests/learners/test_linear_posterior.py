"""The posterior of many features in float32, beside the dual form in NumPy's float64."""

import numpy as np
import tensorflow as tf
from closeness import assert_close

from tfmeta.learners import linear_posterior as posterior

SUPPORT, FEATURES, SCALE = 30, 200, 100.0


def test_more_long_features_than_examples_lose_no_digits():
    """As of a spectrum's columns with little noise: its answers were off by a hundredth."""
    rng = np.random.default_rng(0)
    x, query = (rng.normal(size=(n, FEATURES)).astype(np.float32) for n in (SUPPORT, 5))
    y = rng.normal(size=(SUPPORT, 1)).astype(np.float32)
    prior = posterior.Prior(tf.zeros((FEATURES, 1)), SCALE * tf.eye(FEATURES))
    found = posterior.evidence(tf.constant(x), tf.constant(y), prior)
    wide, asked = np.float64(x), np.float64(query)
    gain = asked @ wide.T @ np.linalg.inv(wide @ wide.T + np.eye(SUPPORT) / SCALE**2)
    covariance = SCALE**2 * (asked @ asked.T - gain @ wide @ asked.T)
    mean, factor = posterior.mean(found, prior), posterior.factor(found, prior)
    assert mean.dtype == factor.dtype == tf.float32
    scale = np.abs(gain).sum() * np.abs(y).max()  # of the terms that are added up
    assert_close(query @ mean.numpy(), np.float32(gain @ y), scale=scale)
    parts, _ = posterior.prediction_parts(tf.constant(query), found, prior)
    assert_close(parts.numpy(), np.float32(gain))
    of_query = query @ factor.numpy().T
    assert_close((of_query @ of_query.T) / SCALE**2, np.float32(covariance / SCALE**2))
