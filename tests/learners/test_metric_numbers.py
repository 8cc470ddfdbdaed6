"""The numbers of metric learners against their papers' equations, in NumPy, in float64."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import SHOTS, WAYS, answer, episode, identity, lstm, sigmoid, squared_distances
from closeness import assert_close

import tfmeta

pytestmark = pytest.mark.usefixtures("float64")


# Metric learners


def test_prototypical_is_minus_the_squared_distance_to_the_class_mean():
    task = episode()
    means = task.support_x.numpy().reshape(WAYS, SHOTS, 4).mean(1)
    got = answer(tfmeta.Prototypical(identity()), task)
    assert_close(got, -squared_distances(task.query_x.numpy(), means))


def test_matching_is_attention_over_cosine_similarities():
    task = episode()
    learner = tfmeta.Matching(identity(), similarity_scale=3.0)
    support, query = (
        x.numpy() / np.linalg.norm(x, axis=1, keepdims=True) for x in (task.support_x, task.query_x)
    )
    weight = np.exp(3 * query @ support.T)
    weight /= weight.sum(1, keepdims=True)
    expected = logarithms(weight.reshape(-1, WAYS, SHOTS).sum(-1))
    assert_close(answer(learner, task), expected)


def test_matchings_context_is_read_as_in_its_appendix():
    task = episode()
    learner = tfmeta.Matching(identity(), full_context=True, read_steps=2, similarity_scale=1.0)
    support = learner.adapt(task.support_x, task.support_y)["support"].numpy()
    x = task.support_x.numpy()
    order = np.argsort(x.sum(1))
    read = learner.support_lstm(x[order][None])[0].numpy()
    assert_close(support[order], x[order] + read)

    query = task.query_x.numpy()
    hidden = cell = np.zeros_like(query)
    for _ in range(2):
        attention = np.exp(hidden @ support.T)
        seen = attention @ support / attention.sum(1, keepdims=True)
        hidden, cell = lstm(learner.read_cell, np.hstack([query, seen]), hidden, cell)
        hidden = hidden + query
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (hidden, support)]
    weight = np.exp(units[0] @ units[1].T)
    weight /= weight.sum(1, keepdims=True)
    expected = logarithms(weight.reshape(-1, WAYS, SHOTS).sum(-1))
    assert_close(answer(learner, task), expected)


def logarithms(probabilities):
    """Those that a matching network answers with, where a probability may be 0."""
    return np.log(probabilities + 1e-12)


def pairs(task):
    """Every pair of an episode's examples: distances, like and unlike."""
    x = np.concatenate([task.support_x, task.query_x])
    y = np.concatenate([task.support_y, task.query_y])
    first, second = np.triu_indices(len(x), 1)
    like = y[first] == y[second]
    return x[first], x[second], like


def training_loss(learner, task):
    return float(learner.task_gradients(task)[1]["loss"])


def test_siameses_contrastive_loss_is_hadsells():
    task = episode()
    a, b, like = pairs(task)
    distance = np.sqrt(((a - b) ** 2).sum(-1))
    of_like = (distance[like] ** 2).mean()
    of_unlike = (np.maximum(0, 2.5 - distance[~like]) ** 2).mean()
    learner = tfmeta.Siamese(identity(), objective="contrastive", margin=2.5)
    assert_close(training_loss(learner, task), (of_like + of_unlike) / 2)
    nearest = -squared_distances(task.query_x.numpy(), task.support_x.numpy())
    expected = nearest.reshape(-1, WAYS, SHOTS).mean(-1)
    assert_close(answer(learner, task), expected)


def test_siameses_logistic_loss_is_kochs():
    task = episode()
    learner = tfmeta.Siamese(identity(), objective="logistic")
    a, b, like = pairs(task)
    kernel, bias = (w.numpy() for w in learner.judge.weights)
    p = sigmoid(np.abs(a - b) @ kernel + bias)[:, 0]
    expected = (-np.log(p[like]).mean() - np.log(1 - p[~like]).mean()) / 2
    assert_close(training_loss(learner, task), expected)


def test_siameses_triplet_loss_is_the_mean_of_those_that_are_violated():
    task = episode()
    x = np.concatenate([task.support_x, task.query_x])
    y = np.concatenate([task.support_y, task.query_y])
    d = squared_distances(x, x)
    shortfalls = [
        1.5 + d[a, p] - d[a, n]
        for a in range(len(x))
        for p in range(len(x))
        for n in range(len(x))
        if a != p and y[a] == y[p] and y[a] != y[n]
    ]
    violated = [s for s in shortfalls if s > 0]
    learner = tfmeta.Siamese(identity(), objective="triplet", margin=1.5)
    assert_close(training_loss(learner, task), np.mean(violated))


def test_relations_two_halves_are_one_convolution_of_both_maps_together():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=2, num_blocks=1, features="map")
    learner = tfmeta.Relation(network, filters=3)
    rng = np.random.default_rng(0)
    x, queries = (tf.constant(rng.uniform(size=(n, 8, 8, 1))) for n in (WAYS, 2))
    state = learner.adapt(x, tf.range(WAYS))
    maps, query_maps = network(x), network(queries)
    kernel = np.concatenate([learner.query_half.kernel, learner.class_half.kernel], 2)
    for query in range(2):
        for way in range(WAYS):
            both = tf.concat([query_maps[query], maps[way]], -1)[tf.newaxis]
            score = learner.judge(tf.nn.conv2d(both, kernel, 1, "SAME"))
            got = learner.predict_with(state, queries)[query, way]
            assert_close(got, tf.math.log_sigmoid(score)[0, 0])


def test_relations_loss_is_the_squared_distance_from_the_match():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=2, num_blocks=1, features="map")
    learner = tfmeta.Relation(network, filters=3)
    scores = np.array([[0.9, 0.2, 0.1], [0.3, 0.6, 0.5]])
    loss = learner.training_loss(
        None, None, outputs=tf.constant(np.log(scores)), query_y=tf.constant([0, 2])
    )
    expected = np.mean((scores - np.array([[1, 0, 0], [0, 0, 1]])) ** 2)
    assert_close(float(loss), expected)
