"""The search for actions, beside NumPy and a solution in closed form."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from pushed import Pushed, best_actions, cost, reward

from tfmeta import UserError
from tfmeta.control import Bounds, Controller, CrossEntropy

START, WIDE = np.array([-0.5, 0.2]), Bounds([-3, -3], [3, 3])


def bowl(actions):
    return -tf.reduce_sum((actions - 0.3) ** 2, [1, 2])


def test_an_iteration_is_the_papers(monkeypatch):
    """Equations in NumPy, from the same random numbers."""
    search = CrossEntropy(horizon=3, candidates=20, elites=0.25, iterations=1, smoothing=0.2)
    bounds, mean = Bounds([-1, -2], [1, 0.5]), np.full((3, 2), 0.25, np.float32)
    received, worst = search.best(bowl, bounds, mean, seed=(4, 7))
    seed = tf.random.experimental.stateless_fold_in(tf.constant([4, 7]), 0)
    noise = tf.random.stateless_normal((20, 3, 2), seed).numpy()
    actions = np.clip(mean + np.array([1, 1.25]) * noise, bounds.low, bounds.high)
    values = -((actions - 0.3) ** 2).sum((1, 2))
    best = np.argsort(-values)[:5]
    assert_close(received, 0.2 * mean + 0.8 * actions[best].mean(0), dtype=np.float32)
    assert_close(worst, values[best[-1]], dtype=np.float32)


def test_it_finds_the_best_actions_of_a_linear_system():
    """The closed form's cost, and less than a hundredth of what doing nothing costs more."""
    best = best_actions(START, 5)
    assert -3 < best.min() < best.max() < 3  # inside the bounds, so they do not matter
    controller = Controller(Pushed(), reward, WIDE, horizon=5, candidates=500, iterations=12)
    controller.act(START - 1)
    controller._transitions.clear()
    one = np.array([[*START, 1.0, 0.0]], np.float32)
    change = np.array([[0.0, -0.1 * START[1] + 0.5]], np.float32)
    mean, seed = np.zeros((5, 2), np.float32), np.array([0, 1], np.int32)
    found, _ = controller._plan(one, change, START.astype(np.float32), mean, seed)
    least, nothing = cost(best, START), cost(np.zeros((5, 2)), START)
    assert least < cost(found, START) < least + (nothing - least) / 100


def test_actions_stay_inside_their_bounds_and_reach_them():
    search = CrossEntropy(horizon=2, iterations=10)
    bounds = Bounds([-1, 0], [0.25, 4])
    far = lambda actions: tf.reduce_sum(actions, [1, 2])  # noqa: E731
    found, _ = search.best(far, bounds, np.zeros((2, 2), np.float32), seed=(0, 0))
    assert np.all(found <= bounds.high)
    assert np.all(bounds.high - found < 0.01 * bounds.width)


def test_the_same_seed_finds_the_same_and_another_seed_something_else():
    search, mean = CrossEntropy(horizon=2, iterations=1), np.zeros((2, 2), np.float32)
    found = [search.best(bowl, WIDE, mean, seed=(0, s))[0].numpy() for s in (1, 1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_candidates_whose_value_is_not_finite_are_the_worst():
    search = CrossEntropy(horizon=1, candidates=400, iterations=6)
    log = lambda actions: tf.math.log(actions[:, 0, 0])  # noqa: E731  NaN below 0
    best = lambda actions: log(actions) - actions[:, 0, 0]  # noqa: E731  the most at 1
    found, worst = search.best(best, Bounds([-3], [3]), np.zeros((1, 1), np.float32), seed=(0, 0))
    assert 0.8 < found[0, 0] < 1.2
    assert np.isfinite(worst)
    nothing = lambda actions: actions[:, 0, 0] * np.nan  # noqa: E731
    _, worst = search.best(nothing, WIDE, np.zeros((1, 2), np.float32), seed=(0, 0))
    assert worst == -np.inf


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, r"horizon=0; expected a whole number from 1"),
        ({"candidates": 2.5}, r"candidates=2\.5; expected a whole number from 2"),
        ({"iterations": True}, r"iterations=True; expected a whole number"),
        ({"elites": 1.0}, r"elites=1\.0; expected a number from 0 to below 1"),
        ({"smoothing": -0.1}, r"smoothing=-0\.1; expected a number"),
        ({"candidates": 10, "elites": 0.1}, r"elites=0\.1 of candidates=10; expected 2 or more"),
    ],
)
def test_options_that_can_not_be_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        CrossEntropy(**options)


@pytest.mark.parametrize(
    "pair",
    [([0], [0]), ([0, 0], [1]), ([0], [np.inf]), ([np.nan], [1]), ([[0]], [[1]]), ([], [])],
)
def test_bounds_that_are_none_are_refused(pair):
    with pytest.raises(UserError, match="expected one finite least and one larger most for each"):
        Bounds(*pair)
