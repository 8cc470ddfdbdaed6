"""How far a query is from the support set, for the learners that remember it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.confidence import Confidence
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.transfer import Transfer

RNG = np.random.default_rng(4)
SUPPORT_Y = np.array([0, 0, 1, 1, 2], np.int32)
SUPPORT_X = np.float32(RNG.normal(size=(5, 6)))
QUERY_X = np.float32(np.concatenate([RNG.normal(size=(7, 6)), SUPPORT_X[:1], -SUPPORT_X[:1]]))


def network():
    keras.utils.set_random_seed(2)
    return tfmeta.networks.mlp((6,), None, units=(8,))


LEARNERS = {
    "prototypical": lambda: tfmeta.Prototypical(network(), remembers=True),
    "ridge": lambda: tfmeta.Ridge(network(), remembers=True),
    "transfer": lambda: Transfer(network(), head="logistic", remembers=True),
    "on features": lambda: tfmeta.OnFeatures(
        network(), tfmeta.Ridge(tfmeta.networks.mlp((8,), None, units=()), remembers=True)
    ),
}


def expected(embed):
    """In loops."""
    support, query = embed(SUPPORT_X).numpy().astype(float), embed(QUERY_X).numpy().astype(float)
    found = []
    for each in query:
        squares = [
            sum((each / np.linalg.norm(each) - other / np.linalg.norm(other)) ** 2)
            for other in support
        ]
        found.append(min(*squares, 2.0))
    return found


@pytest.mark.parametrize("name", LEARNERS)
def test_it_is_the_distance_of_the_nearest_support_example(name):
    learner = LEARNERS[name]()
    assert learner.measures_distance
    query_x = tf.constant(QUERY_X)
    state = learner.adapt(tf.constant(SUPPORT_X), tf.constant(SUPPORT_Y))
    found = learner.distance_with(state, query_x)
    assert_close(found, expected(learner.network), scale=1.0)
    again = learner.task_learner().distance_with(state, learner.encoded(query_x))
    assert_close(again, found)


def test_rows_that_fill_up_the_memory_change_nothing():
    learner = LEARNERS["ridge"]()
    state = learner.adapt(SUPPORT_X, SUPPORT_Y)
    larger = learner.adapt(SUPPORT_X, SUPPORT_Y, sizes=CommonSizes(3, 9))
    assert larger["memory"].shape == (9, 8)
    found, expected = (learner.distance_with(each, QUERY_X) for each in (larger, state))
    assert_close(found, expected, scale=1.0)


def test_other_learners_do_not_measure_it():
    for learner in (tfmeta.Ridge(network()), tfmeta.MAML(tfmeta.networks.mlp((6,), 3))):
        assert not learner.measures_distance
    state = tfmeta.Ridge(network()).adapt(SUPPORT_X, SUPPORT_Y)
    assert "memory" not in state
    with pytest.raises(NotImplementedError, match="MAML does not remember its support set"):
        tfmeta.MAML(tfmeta.networks.mlp((6,), 3)).distance_with({}, QUERY_X)


def test_a_saved_learner_remembers(tmp_path):
    learner = LEARNERS["prototypical"]()
    learner.save(tmp_path / "learner.keras")
    loaded = keras.models.load_model(tmp_path / "learner.keras")
    state = loaded.adapt(SUPPORT_X, SUPPORT_Y)
    assert_close(loaded.distance_with(state, QUERY_X), expected(learner.network), scale=1.0)


def test_the_unknown_score_counts_the_distance():
    logits, distance = np.float32(RNG.normal(size=(4, 3))), np.float32([0.1, 0.5, 1.0, 2.0])
    confidence = Confidence(0.8, -2.0, 0.6, -0.1, 1.7)
    doubt, largest = (each.numpy() for each in confidence.evidence(tf.constant(logits)))
    odds = -2.0 + 0.6 * doubt - 0.1 * largest + 1.7 * distance
    found = confidence.unknown(tf.constant(logits), distance=tf.constant(distance))
    assert_close(found, 1 / (1 + np.exp(-odds)))
