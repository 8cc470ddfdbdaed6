"""What each support example adds to an answer: the sum is the answer, each part is NumPy's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart
from conformance_table import ROWS, answer, classification_batch, each_name, one_task

import tfmeta

# Methods that adapt weights, or compare with what became of a class, are no sum over examples.
WITHOUT = ("MAML", "MetaSGD", "MetaLSTM", "Reptile", "HyperNetwork", "Relation")
X = np.random.default_rng(0).normal(size=(6, 4))
Y = np.array([0, 1, 0, 2, 1, 0], np.int32)
QUERIES = np.random.default_rng(1).normal(size=(3, 4))
MEMBERS = np.eye(3)[Y]


@pytest.fixture(autouse=True)
def exact(float64):
    keras.utils.set_random_seed(3)


@each_name(ROWS, turn=0)
def test_the_parts_add_up_to_the_answer(name):
    learner = ROWS[name].make()
    episode = one_task(classification_batch(dtype=np.float64))
    found = learner.support_parts(episode.support_x, episode.support_y, episode.query_x)
    assert (found is None) == (ROWS[name].learner in WITHOUT)
    if found is not None:
        expected = answer(learner, episode)
        if found.of == "probability":
            expected = tf.exp(expected) - 1e-12  # what keeps the logarithm finite
        scale = np.abs(found.parts).max()
        assert_close(tf.reduce_sum(found.parts, 1) + found.rest, expected, scale=scale)


def plain(name, **options):
    """A learner on features that are the examples themselves."""
    inputs = keras.Input((4,), dtype="float64")
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    return getattr(tfmeta, name)(network, **options)


def parts_of(learner, y=Y):
    found = learner.support_parts(*map(tf.constant, (X, y, QUERIES)))
    return found.parts.numpy(), found.rest.numpy()


def compared(learner):
    found = learner.support_parts(*map(tf.constant, (X, Y, QUERIES)))
    return found.weights.numpy(), found.measures.numpy(), found.measure


def scale_of(learner):
    """What a scale of three is once its logarithm is rounded."""
    return np.exp(np.float64(learner.log_scale.numpy()))


def units(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def squared(a, b):
    return ((a[:, np.newaxis] - b) ** 2).sum(-1)


def test_of_the_nearest_mean_by_numpy():
    counts = MEMBERS.sum(0)
    means = (MEMBERS.T @ X) / counts[:, np.newaxis]
    spread = ((X - means[Y]) ** 2).sum(-1)
    mean = -squared(QUERIES, means).mean(-1, keepdims=True)
    expected = (spread - squared(QUERIES, X) - mean)[:, :, np.newaxis] * (MEMBERS / counts)
    assert_close(parts_of(plain("Prototypical"))[0], expected)
    transfer = plain("Transfer", head="nearest-mean", scale=3.0)
    x, q = units(X), units(QUERIES)
    means = (MEMBERS.T @ x) / counts[:, np.newaxis]
    spread = ((x - means[Y]) ** 2).sum(-1)
    mean = -squared(q, means).mean(-1, keepdims=True)
    expected = (spread - squared(q, x) - mean)[:, :, np.newaxis] * (MEMBERS / counts)
    assert_close(parts_of(transfer)[0], scale_of(transfer) * expected)


def test_weights_and_distances_are_those_of_the_method():
    x, q = units(X), units(QUERIES)
    share = np.broadcast_to(MEMBERS / MEMBERS.sum(0), (3, 6, 3))
    for name in ("Prototypical", "Siamese"):
        weights, measures, measure = compared(plain(name))
        assert measure == "squared distance"
        assert_close(measures, squared(QUERIES, X))
        assert_close(weights, share)
    learner = plain("Ridge", scale=3.0)
    weights, measures, measure = compared(learner)
    assert measure == "cosine"
    assert_close(measures, q @ x.T)
    assert_close(weights * measures[:, :, np.newaxis], parts_of(learner)[0])
    weights, measures, measure = compared(plain("Matching", similarity_scale=4.0))
    assert (measure, weights.shape) == ("cosine", (3, 6, 3))
    assert_close(measures, q @ x.T)
    weights, measures, measure = compared(plain("Siamese", objective="logistic"))
    assert measure == "similarity"


def test_of_similarities_and_of_attention_by_numpy():
    nearness = -squared(QUERIES, X)
    mean = (nearness @ MEMBERS / MEMBERS.sum(0)).mean(-1, keepdims=True)
    expected = (nearness - mean)[:, :, np.newaxis] * MEMBERS / MEMBERS.sum(0)
    assert_close(parts_of(plain("Siamese"))[0], expected)
    scores = np.exp(4 * units(QUERIES) @ units(X).T)
    attention = scores / scores.sum(-1, keepdims=True)
    expected = attention[:, :, np.newaxis] * MEMBERS
    assert_close(parts_of(plain("Matching", similarity_scale=4.0))[0], expected)


def test_of_mean_directions_by_numpy():
    x, q = units(X), units(QUERIES)
    lengths = np.linalg.norm((MEMBERS.T @ x) / MEMBERS.sum(0)[:, np.newaxis], axis=-1)
    learner = plain("Transfer", head="cosine", scale=3.0)
    parts = (q @ x.T)[:, :, np.newaxis] * MEMBERS / MEMBERS.sum(0) / lengths
    assert_close(parts_of(learner)[0], scale_of(learner) * parts)


def test_of_ridge_regression_by_numpy():
    x, q = units(X), units(QUERIES)
    ridge = plain("Ridge", regularisation=0.3, scale=3.0)
    transfer = plain("Transfer", head="ridge", regularisation=0.3, scale=3.0)
    for learner, strength in ((ridge, np.exp(ridge.log_regularisation.numpy())), (transfer, 0.3)):
        dual = np.linalg.inv(x @ x.T + strength * np.eye(6)) @ MEMBERS
        expected = scale_of(learner) * (q @ x.T)[:, :, np.newaxis] * dual
        assert_close(parts_of(learner)[0], expected)


def test_of_logistic_regression_by_its_optimum():
    """There Y - P is the strength times the dual."""
    learner = plain("Transfer", head="logistic", regularisation=1.0)
    parts, _ = parts_of(learner)
    x, q = units(X), units(QUERIES)
    state = learner.adapt(tf.constant(X), tf.constant(Y))
    dual = MEMBERS - tf.nn.softmax(x @ np.asarray(state["head"]).T).numpy()
    assert_close(parts, (q @ x.T)[:, :, np.newaxis] * dual)


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_of_a_posterior_by_numpy(kind):
    options = {"num_outputs": 2, "target_centre": [1.0, -2.0], "target_spread": [3.0, 0.5]}
    learner = plain("BayesLinear", **(options if kind == "values" else {}))
    rng = np.random.default_rng(2)
    for weight in (learner.prior_mean, learner.prior_factor):
        weight.assign(rng.normal(size=weight.shape) / 2)
    y = rng.normal(size=(6, 2)) if kind == "values" else Y
    parts, rest = parts_of(learner, y)
    x, q = (np.concatenate([each, np.ones((len(each), 1))], 1) for each in (X, QUERIES))
    free = learner.prior_factor.numpy()
    factor = np.tril(free, -1) + np.diag(np.exp(np.diag(free)))
    covariance = np.linalg.inv(np.linalg.inv(factor @ factor.T) + x.T @ x)
    mean, centre, targets = learner.prior_mean.numpy(), 0.0, MEMBERS
    if kind == "values":
        scale, centre = np.array(options["target_spread"]), np.array(options["target_centre"])
        targets = (y - centre) / scale
    else:
        scale = scale_of(learner)
    surprise = targets - x @ mean
    expected = (q @ covariance @ x.T)[:, :, np.newaxis] * surprise * scale
    assert_close(parts, expected)
    assert_close(rest, np.broadcast_to(q @ mean * scale + centre, rest.shape))
    assert_far_apart(rest, 0 * rest)


def test_a_learner_on_features_has_the_parts_of_its_method():
    network = tfmeta.networks.mlp((4,), None, units=(5,))
    learner = tfmeta.OnFeatures(network, tfmeta.Ridge(tfmeta.networks.mlp((5,), None, units=())))
    x, y, q = map(tf.constant, (X, Y, QUERIES))
    found = learner.support_parts(x, y, q)
    expected = learner.predict_with(learner.adapt(x, y), q)
    assert_close(tf.reduce_sum(found.parts, 1), expected)
