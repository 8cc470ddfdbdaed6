"""Copies of an environment with a task each, beside the same environments one by one."""

import sys

import numpy as np
import pytest
from closeness import assert_uniform

from tfmeta import UserError
from tfmeta.environments.environments import Environments, environment_id, environment_names

gymnasium = pytest.importorskip("gymnasium", reason="the extra control")

BY_HAND = "environments_by_hand:byhand/"


def by_hand(name, **options):
    return Environments(f"{BY_HAND}{name}-v0", **options)


def test_each_copy_has_its_task_and_its_seed_and_rests_after_its_end():
    """Beside gymnasium.make, one environment at a time, which fails if stepped after its end."""
    copies, steps = by_hand("Counting"), 4
    tasks, seeds = np.array([[4], [2], [3]], np.float32), np.array([8, 8, 9])
    actions = np.random.default_rng(0).uniform(-2, 2, (steps, 3, 1))
    first = copies.reset(seeds, tasks)
    seen = [copies.step(each) for each in actions]
    for number, (task, seed) in enumerate(zip(tasks, seeds, strict=True)):
        one = gymnasium.make("byhand/Counting-v0")
        observation, _ = one.reset(seed=int(seed), options={"task": task})
        np.testing.assert_array_equal(first[number], np.float32(observation))
        for step, (observations, rewards, ended) in enumerate(seen, 1):
            if step <= task[0]:
                action = np.clip(actions[step - 1, number], -1, 1).astype(np.float32)
                observation, reward, *_ = one.step(action)
            else:
                reward = 0.0
            np.testing.assert_array_equal(observations[number], np.float32(observation))
            assert (rewards[number], ended[number]) == (reward, step >= task[0])
    assert {each.dtype for each in (first, *seen[0][:2])} == {np.dtype(np.float32)}


def test_the_same_seeds_tasks_and_actions_give_the_same_whatever_ran_before():
    copies = by_hand("Counting")

    def run():
        found = [copies.reset(np.array([3, 4]), np.array([[4.0], [3.0]]))]
        return [*found, *(copies.step(np.array([[0.5], [-1.0]]))[0] for _ in range(4))]

    before = run()
    copies.reset(np.arange(5), np.full((5, 1), 2.0))
    copies.step(np.ones((5, 1)))
    copies.reset(np.array([1, 0]), np.full((2, 1), 2.0))
    copies.step(np.ones((2, 1)))
    np.testing.assert_array_equal(run(), before)
    np.testing.assert_array_equal(
        np.array(by_hand("Counting").reset([3], [[2.0]]))[0], before[0][0]
    )


def test_vector_environments_are_made_once_for_each_number_of_copies(monkeypatch):
    made, make = [], gymnasium.make_vec

    def counted(spec, number, **options):
        made.append(number)
        return make(spec, number, **options)

    monkeypatch.setattr(gymnasium, "make_vec", counted)
    copies = by_hand("Counting")
    for number in (2, 3, 2, 1, 3):
        copies.reset(np.arange(number), np.full((number, 1), 2.0))
    assert made == [1, 2, 3]


def test_tasks_are_spread_over_their_space():
    units = np.random.default_rng(5).uniform(size=(2000, 4))
    goals = Environments("point-navigation").tasks(units)
    assert goals.shape == (2000, 2)
    for column in goals.T:
        assert_uniform(column, -0.5, 0.5)
    edges = np.array([[0.0] * 4, [0.34] * 4, [1 - 2**-53] * 4])
    np.testing.assert_array_equal(by_hand("Counting").tasks(edges), [[2], [3], [4]])
    np.testing.assert_array_equal(by_hand("Whole").tasks(edges), [[0, -3], [0, -2], [1, -1]])


def test_a_horizon_takes_the_place_of_the_time_limit():
    assert (by_hand("Counting").horizon, by_hand("Endless", horizon=7).horizon) == (4, 7)
    for name, horizon in (("Endless", 3), ("Counting", 3)):
        copies = by_hand(name, horizon=horizon)
        copies.reset([0], [[4.0]])
        assert [bool(copies.step([[0.0]])[2]) for _ in range(3)] == [False, False, True]
    points = Environments("point-navigation", horizon=2)
    points.reset([0], [[0.4, 0.4]])
    assert [bool(points.step([[0.0, 0.0]])[2]) for _ in range(2)] == [False, True]


def test_names():
    assert environment_names() == [
        "point-navigation",
        "half-cheetah-direction",
        "half-cheetah-velocity",
    ]
    assert environment_id("module:Name-v0") == "module:Name-v0"
    copies = by_hand("Counting")
    assert (copies.observation_size, copies.action_size, copies.task_size) == (2, 1, 1)
    assert (copies.action_low, copies.action_high) == (-1, 1)


REFUSED = {
    "Nothing-v0": "no environment Nothing-v0.*expected one of point-navigation",
    f"{BY_HAND}Nothing-v0": "no environment environments_by_hand:byhand/Nothing-v0",
    "no_such_module:Name-v0": r'No module named.*no_such_module.py: PYTHONPATH="\$PWD" tfmeta',
    "Pendulum-v1": "Pendulum-v1 has the task_space None; expected an attribute task_space",
    f"{BY_HAND}NoTasks-v0": "has the task_space None",
    f"{BY_HAND}Unbounded-v0": "has the task_space Box.*expected.*finite bounds",
    f"{BY_HAND}Large-v0": "tasks of 5 numbers; expected at most 4",
    f"{BY_HAND}Image-v0": r"has observations in Box.*\(4, 4\).*FlattenObservation.*no convolutions",
    f"{BY_HAND}Parts-v0": r"has observations in Dict.*FlattenObservation\(env\)",
    f"{BY_HAND}Buttons-v0": r"has actions in Discrete\(4\).*Box\(-1, 1, \(4,\)\).*argmax",
    f"{BY_HAND}Clicks-v0": r"has actions in Box.*int64.*TransformAction\(env, FUNCTION, BOX\)",
    f"{BY_HAND}Broken-v0": "can't be made.*no robot on port 4",
    f"{BY_HAND}Endless-v0": "no time limit, and no horizon.*expected horizon=STEPS",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_family_of_tasks_is_refused(name):
    with pytest.raises(UserError, match=REFUSED[name]):
        Environments(name)


@pytest.mark.parametrize(("name", "seen"), [("FlatImage", 16), ("FlatParts", 2), ("Scored", 2)])
def test_what_a_refusal_advises_makes_a_family_of_tasks(name, seen):
    assert by_hand(name).observation_size == seen


def test_the_largest_score_is_the_action_of_an_environment_with_buttons():
    copies = by_hand("Scored")
    copies.reset([0, 1], [[4.0], [4.0]])
    seen, *_ = copies.step([[-0.5, 0.1, 0.9, 0.0], [3.0, -1.0, 0.5, 0.0]])
    assert seen[:, 1].tolist() == [2.0, 0.0]


def test_whole_numbers_are_observed_as_they_are():
    copies = by_hand("Ticks")
    copies.reset([0], [[4.0]])
    seen = [copies.step([[0.0]])[0] for _ in range(3)]
    np.testing.assert_array_equal(seen, np.float32([[[10, 1]], [[20, 1]], [[30, 1]]]))
    assert seen[0].dtype == np.float32


@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, "9"])
def test_a_horizon_that_is_no_number_of_steps_is_refused(horizon):
    with pytest.raises(UserError, match=r"received horizon=.*expected a whole number from 1"):
        by_hand("Counting", horizon=horizon)


def test_what_is_not_finite_is_refused_by_name():
    for name, what in (("NotFinite", "an observation"), ("NoReward", "a reward")):
        copies = by_hand(name)
        copies.reset([0, 1], [[2.0], [3.0]])
        copies.step(np.zeros((2, 1)))
        with pytest.raises(UserError, match=f"{what} of .* not finite, after 2 steps, in copy 1"):
            copies.step(np.zeros((2, 1)))
    copies = by_hand("Counting")
    copies.reset([0, 1], [[2.0], [3.0]])
    with pytest.raises(UserError, match=r"an action of .* in copy 1: \[nan\].*learning rates"):
        copies.step([[0.0], [np.nan]])


def test_what_an_environment_raises_is_told_in_one_line():
    copies = by_hand("Failing")
    copies.reset([0], [[2.0]])
    said = r"Failing-v0 failed in its own step \(RuntimeError: motor 3 is stuck\); .*resumes"
    with pytest.raises(UserError, match=said) as caught:
        copies.step(np.zeros((1, 1)))
    assert "\n" not in str(caught.value)


def test_shapes_that_do_not_fit_are_refused():
    copies = by_hand("Counting")
    with pytest.raises(UserError, match="actions before a reset"):
        copies.step(np.zeros((1, 1)))
    with pytest.raises(UserError, match=r"tasks of shape \(2, 2\) for 2 seeds; expected \(2, 1\)"):
        copies.reset([0, 1], np.zeros((2, 2)))
    copies.reset([0], [[2.0]])
    with pytest.raises(UserError, match=r"actions of shape \(2, 1\); expected \(1, 1\)"):
        copies.step(np.zeros((2, 1)))


def test_what_is_not_installed_is_named(monkeypatch):
    for module in list(sys.modules):
        if module.partition(".")[0] == "mujoco" or module.startswith(
            "tfmeta.environments.half_cheetah"
        ):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(UserError, match=r"half-cheetah-velocity.*mujoco.*'tfmeta\[control\]'"):
        Environments("half-cheetah-velocity")
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UserError, match=r"needs Gymnasium: pip install 'tfmeta\[control\]'"):
        Environments("point-navigation")
