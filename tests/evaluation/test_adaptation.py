"""Adaptation step by step, against steps of gradient descent by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.adaptation import AdaptationProbe
from tfmeta.learners.embeddings import embedding_function
from tfmeta.pipelines import build

RATE, STEPS, TASKS = 0.05, 3, 4


@pytest.fixture(scope="module")
def episodes():
    shape = EpisodeShape(num_ways=1, num_shots=5, num_queries=6)
    return FixedEpisodes(build("sinusoid"), shape, "validation", TASKS)


def linear(**options):
    """A straight line, whose derivatives are simple."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="line")])
    network.set_weights([np.array([[0.7]], np.float32), np.array([0.2], np.float32)])
    options = {"targets": "values", "inner_learning_rate": RATE, "inner_steps": STEPS, **options}
    return tfmeta.MAML(network, **options)


def by_hand(x, y):
    """The slope and the offset before and after each step on a mean squared error."""
    x, y = (np.asarray(each, np.float64)[:, 0] for each in (x, y))
    slope, offset = 0.7, 0.2
    path = [(slope, offset)]
    for _ in range(STEPS):
        error = slope * x + offset - y
        slope, offset = slope - RATE * 2 * np.mean(error * x), offset - RATE * 2 * np.mean(error)
        path.append((slope, offset))
    return path


@pytest.mark.parametrize("vectorised", [False, True])
def test_curves_and_updates_are_those_of_gradient_descent(vectorised, episodes):
    taken = AdaptationProbe(linear(vectorised=vectorised), episodes).take()
    assert taken.steps == [0, 1, 2, 3]
    assert len(taken.tasks) == TASKS
    for number, task in enumerate(taken.tasks):
        path = by_hand(task.support_x, task.support_y)
        for part in ("support", "query"):
            x, y = (getattr(task, f"{part}_{name}")[:, 0] for name in "xy")
            errors = [np.mean((slope * x + offset - y) ** 2) for slope, offset in path]
            assert_close(taken.curves[f"{part}_mse"][number], errors, dtype=np.float32, scale=10.0)
            assert_close(taken.curves[f"{part}_loss"][number], errors, dtype=np.float32, scale=10.0)
        (slope, offset), start = path[-1], np.array(path[0])
        moved = np.linalg.norm([slope - 0.7, offset - 0.2]) / np.linalg.norm(start)
        assert_close(taken.updates["line"][number], moved, dtype=np.float32, scale=10.0)
        expected = slope * task.query_x + offset
        assert_close(taken.answers[number], expected, dtype=np.float32, scale=10.0)


def test_a_method_without_inner_steps_has_one_number_and_no_update():
    shape = EpisodeShape(num_ways=3, num_shots=(1, 4), num_queries=2)
    fixed = FixedEpisodes(build("glyphs"), shape, "validation", 3)
    network = tfmeta.networks.conv4((28, 28, 1), None, filters=2, num_blocks=2)
    taken = AdaptationProbe(tfmeta.Prototypical(network), fixed).take()
    assert (taken.steps, taken.updates) == ([0], {})
    for number, (task, answers) in enumerate(zip(taken.tasks, taken.answers, strict=True)):
        assert len(task.query_y) == len(answers) == 6
        accuracy = np.mean(answers.argmax(-1) == task.query_y)
        assert taken.curves["query_accuracy"][number, 0] == np.float32(accuracy)
    embedded = embedding_function(tfmeta.Prototypical(network))(task.query_x)
    assert_close(embedded, network(task.query_x).numpy().reshape(6, -1), dtype=np.float32)


def test_the_embedding_of_a_network_with_a_head_is_what_its_head_is_given():
    network = tfmeta.networks.mlp((3,), 2, units=[4])
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    embed = embedding_function(tfmeta.MAML(network))
    kernel, bias = network.get_weights()[:2]
    assert_close(embed(tf.constant(x)), np.maximum(x @ kernel + bias, 0), dtype=np.float32)


def test_the_embedding_of_a_convolutional_network_follows_its_weights():
    network = tfmeta.networks.conv4((8, 8, 1), 3, filters=2, num_blocks=1)
    embed = embedding_function(tfmeta.MAML(network))
    x = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)
    head = keras.Sequential([network.layers[-1]])
    assert_close(head(embed(x)), network(x, training=True), dtype=np.float32)
    before = np.asarray(embed(x))
    network.set_weights([weight + 0.5 for weight in network.get_weights()])
    assert_far_apart(embed(x), before)
