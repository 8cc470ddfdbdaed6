"""The posterior of a Bayesian linear regression with the prior of `BayesLinear`."""

from typing import NamedTuple

import tensorflow as tf


class Prior(NamedTuple):
    """Of the weights: the mean K0 `(features, outputs)`, and C `(features, features)`."""

    mean: tf.Tensor
    factor: tf.Tensor


class Evidence(NamedTuple):
    """What a support set adds to a prior.

    Attributes:
        whitened: X C, `(support, features)`.
        cholesky: the Cholesky factor of I + C'X'X C.
        surprise: Y - X K0, `(support, outputs)`.
    """

    whitened: tf.Tensor
    cholesky: tf.Tensor
    surprise: tf.Tensor


def evidence(features: tf.Tensor, y: tf.Tensor, prior: Prior) -> Evidence:
    """That of a support set's features X `(support, features)` and targets Y, in float64.

    The least eigenvalue of I + C'X'X C is 1, and the greatest as large as the features are long and
    the noise is small: a million and more, of which float32 would lose the 1.
    """
    features, y = tf.cast(features, tf.float64), tf.cast(y, tf.float64)
    mean, factor = (tf.cast(each, tf.float64) for each in prior)
    whitened = tf.matmul(features, factor)
    precision = tf.matmul(whitened, whitened, transpose_a=True)
    identity = tf.eye(tf.shape(precision)[0], dtype=precision.dtype)
    surprise = y - tf.matmul(features, mean)
    return Evidence(whitened, tf.linalg.cholesky(precision + identity), surprise)


def mean(found: Evidence, prior: Prior) -> tf.Tensor:
    """K0 + C (I + C'X'X C)^-1 C'X' (Y - X K0), `(features, outputs)`."""
    right = tf.matmul(found.whitened, found.surprise, transpose_a=True)
    moved = tf.linalg.cholesky_solve(found.cholesky, right)
    moved = tf.matmul(tf.cast(prior.factor, moved.dtype), moved)
    return prior.mean + tf.cast(moved, prior.mean.dtype)


def factor(found: Evidence, prior: Prior) -> tf.Tensor:
    """F, `(features, features)`, with which F'F is the posterior covariance over the noise's."""
    transposed = tf.cast(tf.transpose(prior.factor), found.cholesky.dtype)
    factor = tf.linalg.triangular_solve(found.cholesky, transposed)
    return tf.cast(factor, prior.factor.dtype)


def prediction_parts(
    query: tf.Tensor, found: Evidence, prior: Prior
) -> tuple[tf.Tensor, tf.Tensor]:
    """What a query's `features posterior_mean` is the sum of.

    Returns:
        `(queries, support)`, the posterior covariance of the query's answer and each example's, in
        units of the noise variance: times what that example's target was off by, it is the
        example's part. And `(queries, outputs)`, what the prior says.
    """
    gain = tf.linalg.cholesky_solve(found.cholesky, tf.transpose(found.whitened))
    factor = tf.cast(prior.factor, gain.dtype)
    parts = tf.matmul(tf.matmul(tf.cast(query, gain.dtype), factor), gain)
    return tf.cast(parts, query.dtype), tf.matmul(query, prior.mean)
