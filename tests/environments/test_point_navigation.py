"""The point that looks for a goal: by hand, one and many."""

import importlib

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the extra control")
point_navigation = importlib.import_module("tfmeta.environments.point_navigation")


def test_a_step_is_the_papers():
    """In numbers that float32 and float64 hold exactly, but for the clipped move of 0.1."""
    one = point_navigation.PointNavigation()
    observation, _ = one.reset(options={"task": np.array([0.25, -0.5])})
    np.testing.assert_array_equal(observation, [0, 0])
    observation, reward, ended, *_ = one.step(np.array([0.0625, -0.03125]))
    np.testing.assert_array_equal(observation, [0.0625, -0.03125])
    assert (reward, ended) == (-(0.1875**2 + 0.46875**2), False)
    observation, *_ = one.step(np.array([9.0, -9.0]))
    np.testing.assert_array_equal(observation, np.float32([0.1625, -0.13125]))
    one.reset(options={"task": np.array([0.0, 0.0625])})
    assert [one.step(np.array([0.0, y]))[2] for y in (0.05, 0.001, 0.0025)] == [0, 0, 1]
    assert one.step(np.array([0.0, 0.0001]))[2]


def test_many_are_as_one_by_one():
    """Those that have ended stay; the others are the same to the last bit."""
    number, steps = 40, 100
    rng = np.random.default_rng(2)
    goals = rng.uniform(-0.5, 0.5, (number, 2)).astype(np.float32)
    many = gymnasium.make_vec("tfmeta/PointNavigation-v0", number)
    ones = [gymnasium.make("tfmeta/PointNavigation-v0") for _ in range(number)]
    seen, _ = many.reset(seed=list(range(number)), options={"task": goals})
    for seed, (one, goal) in enumerate(zip(ones, goals, strict=True)):
        observation, _ = one.reset(seed=seed, options={"task": goal})
        np.testing.assert_array_equal(observation, seen[seed])
    ended = np.zeros(number, bool)
    for step in range(1, steps + 1):
        towards = np.clip(goals - seen, -0.1, 0.1) + rng.normal(0, 0.06, (number, 2))
        actions = towards.astype(np.float32)
        before, (seen, *found, _) = seen, many.step(actions)
        for k, one in enumerate(ones):
            if ended[k]:
                np.testing.assert_array_equal(seen[k], before[k])
                assert [each[k] for each in found] == [0, False, False]
                continue
            observation, *expected, _ = one.step(actions[k])
            np.testing.assert_array_equal(seen[k], observation)
            assert [each[k] for each in found] == expected
            ended[k] = expected[1] or expected[2]
            assert expected[2] == (step == steps)
        if step == steps // 2:
            assert 5 < ended.sum() < number
    again, _ = many.reset(options={"task": goals})
    assert not again.any()
    assert many.step(actions)[1].all()
