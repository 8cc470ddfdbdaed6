"""The ridge learner against scikit-learn's, and against the primal form of its equation."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from sklearn.linear_model import Ridge as TheirRidge

import tfmeta

RNG = np.random.default_rng(0)
SUPPORT, QUERIES, UNITS, WAYS = 9, 4, 6, 3
X, QUERY_X = (RNG.normal(size=(n, UNITS)).astype(np.float32) for n in (SUPPORT, QUERIES))
Y = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2], np.int32)


def learner(**options):
    """On vectors as they are."""
    inputs = tf.keras.Input((UNITS,))
    network = tf.keras.Model(inputs, tf.keras.layers.Identity()(inputs))
    return tfmeta.Ridge(network, **options)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("regularisation", [0.05, 0.5, 8.0])
def test_the_logits_are_scikit_learns_ridge_regression_of_the_memberships(regularisation):
    ours = learner(regularisation=regularisation, scale=3.0)
    theirs = TheirRidge(alpha=regularisation, fit_intercept=False)
    theirs.fit(unit(X).astype(np.float64), np.eye(WAYS)[Y])
    received = ours.predict_with(ours.adapt(X, Y), QUERY_X)
    assert_close(received, 3.0 * theirs.predict(unit(QUERY_X).astype(np.float64)))


def test_the_head_solves_the_primal_equation_too():
    x = unit(X).astype(np.float64)
    expected = np.linalg.solve(x.T @ x + 0.5 * np.eye(UNITS), x.T @ np.eye(WAYS)[Y])
    assert_close(learner(regularisation=0.5).adapt(X, Y)["head"], expected.T)


@pytest.mark.parametrize("vectorised", [True, False])
def test_an_answer_is_the_same_to_the_bit_whatever_the_other_queries_are(vectorised):
    rng = np.random.default_rng(4)
    queries = rng.normal(size=(1, 75, UNITS)).astype(np.float32)
    answers = tf.function(learner(vectorised=vectorised), autograph=False)

    def answered(query_x):
        query_y = np.zeros((1, query_x.shape[1]), np.int32)
        return answers(tfmeta.Episode(X[np.newaxis], Y[np.newaxis], query_x, query_y)).numpy()

    together = answered(queries)
    for query in range(0, 75, 15):
        np.testing.assert_array_equal(
            answered(queries[:, query : query + 1])[0, 0], together[0, query]
        )


def test_lambda_and_scale_are_learned():
    ours = learner()
    assert [v.path.rpartition("/")[2] for v in ours.trainable_variables] == [
        "log_regularisation",
        "log_scale",
    ]
    episode = tfmeta.Episode(X, Y, QUERY_X, np.array([0, 1, 2, 0], np.int32))
    gradients, _ = ours.task_gradients(episode)
    assert all(float(g) != 0 for g in gradients)


@pytest.mark.parametrize("option", ["regularisation", "scale"])
def test_what_must_be_positive_is_refused_otherwise(option):
    with pytest.raises(ValueError, match=rf"received {option}=0; expected a positive number"):
        learner(**{option: 0})
