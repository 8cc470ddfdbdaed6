"""The controller: what it remembers, adapts to and refuses; and that exports answer as runs do."""

import numpy as np
import pytest
import tensorflow as tf
import trained
from drifting import arrays
from made_once import made_once
from pushed import Pushed, follow, reward

import tfmeta
from tfmeta import UserError
from tfmeta.control import Controller

WIDE = ([-3.0, -3.0], [3.0, 3.0])
SMALL = {"horizon": 4, "candidates": 60, "iterations": 3}


class Recording(Pushed):
    """Keeps the support set that it last adapted to."""

    def __init__(self):
        self.x, self.y = (tf.Variable(tf.zeros((0, n)), shape=(None, n)) for n in (4, 2))

    def adapt(self, support_x, support_y):
        with tf.control_dependencies([self.x.assign(support_x), self.y.assign(support_y)]):
            return super().adapt(support_x, support_y)


def test_it_adapts_to_the_last_transitions_alone():
    model = Recording()
    controller = Controller(model, reward, WIDE, memory=3, **SMALL)
    state, seen = np.array([0.3, 0.0]), []
    for _ in range(6):
        action = controller.act(state)
        following = follow(state, action)
        seen.append((np.concatenate([state, action]), following - state))
        state = following
    controller.act(state)
    for kept, part in ((model.x, 0), (model.y, 1)):
        expected = np.stack([each[part] for each in seen[-3:]]).astype(np.float32)
        np.testing.assert_array_equal(kept, expected)


class Unadapted(Pushed):
    def adapt(self, support_x, support_y):
        return tf.constant(1.0)


def distance_after(model, strength):
    """How far from the target a controller has brought the point in 15 steps."""
    controller = Controller(model, reward, WIDE, horizon=4, iterations=8)
    state = np.zeros(2)
    for _ in range(15):
        state = follow(state, controller.act(state), strength)
    return np.linalg.norm(state - [1, 0])


def test_a_push_that_turns_around_is_found_out_from_the_transitions():
    """At the start the target is 1 away."""
    assert distance_after(Pushed(), 1.0) < 0.2
    assert distance_after(Pushed(), -1.0) < 0.2
    assert distance_after(Unadapted(), -1.0) > 1


def test_actions_are_a_function_of_the_seed_and_reset_begins_again():
    def episode(controller):
        controller.reset()
        state, actions = np.array([0.5, 0.5]), []
        for _ in range(3):
            actions.append(controller.act(state))
            state = follow(state, actions[-1])
        return np.array(actions)

    first, same = (Controller(Pushed(), reward, WIDE, seed=3, **SMALL) for _ in range(2))
    once = episode(first)
    np.testing.assert_array_equal(once, episode(first))
    np.testing.assert_array_equal(once, episode(same))
    assert not np.array_equal(once, episode(Controller(Pushed(), reward, WIDE, seed=4, **SMALL)))


# Runs and exports


@made_once("runs/drifting")
def drifting_run(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.parent / "drifting.npz"
    np.savez(log, **arrays())
    learner = ["--inner-steps", 2, "--set", "network.units=[8]", *trained.WITHOUT_XLA]
    small = ["--shots", 4, "--queries", 4, "--steps", 2, "--set", "validation_tasks=0"]
    call = ["train", "transitions", "--data-dir", log, *learner, *small, "--run-dir", path]
    trained.call(*call)


def calm(observation, action, following):
    del action
    return -tf.reduce_sum((following - observation) ** 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["learner", "generator"])
def test_an_export_acts_as_its_run_does(tmp_path, kind):
    trained.call("export", drifting_run(), "--kind", kind, "--output", tmp_path / "model")
    models = drifting_run(), tmp_path / "model"
    both = [Controller(model, calm, ([-2.0], [2.0]), **SMALL) for model in models]
    for step in range(3):
        observation = np.array([step, 0.1 * step])
        actions = [controller.act(observation) for controller in both]
        assert actions[0].shape == (1,)
        np.testing.assert_array_equal(*actions)


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a learner, whose targets are classes; expected values"):
        Controller(tfmeta.Prototypical(tfmeta.networks.mlp((4,), None)), reward, WIDE)
    windows = tfmeta.MAML(tfmeta.networks.mlp((4, 2), 2), targets="values")
    with pytest.raises(UserError, match=r"have the shape \(4, 2\); expected vectors"):
        Controller(windows, reward, WIDE)
    with pytest.raises(UserError, match=r"model of type int; expected a run's directory, an exp"):
        Controller(3, reward, WIDE)
    with pytest.raises(UserError, match=r"bounds of 1 actions for a model of 4 inputs, .* of 2$"):
        Controller(Pushed(), reward, ([-1], [1]))
    with pytest.raises(UserError, match=r"received steps; expected some of: memory, seed, horizon"):
        Controller(Pushed(), reward, WIDE, steps=3)
    for name, value in (("memory", 0), ("seed", -1)):
        with pytest.raises(UserError, match=rf"received {name}={value}; expected a whole number"):
            Controller(Pushed(), reward, WIDE, **{name: value})
    controller = Controller(Pushed(), reward, WIDE, **SMALL)
    for observation in ([0.0], [0.0, np.nan], [0.0, 3e38], [0.0, 1e300]):
        with pytest.raises(UserError, match=r"received an observation of shape .* expected 2 fin"):
            controller.act(observation)


@pytest.mark.parametrize("bounds", [3, None, [-1], (-1, 0, 1), {"low": -1, "high": 1}, "ab"])
def test_bounds_that_are_no_pair_are_refused(bounds):
    with pytest.raises(UserError, match=r"received the bounds .*; expected .* most of each action"):
        Controller(Pushed(), reward, bounds)


def test_what_is_no_function_or_no_number_is_refused():
    with pytest.raises(UserError, match=r"received reward='near'; expected a function"):
        Controller(Pushed(), "near", WIDE)
    with pytest.raises(UserError, match=r"received seed=True; expected a whole number"):
        Controller(Pushed(), reward, WIDE, seed=True)
    controller = Controller(Pushed(), reward, WIDE, memory=np.int64(2), horizon=np.int32(3))
    for observation in ("ab", [[1], [1, 2]], [1j, 2]):
        with pytest.raises(UserError, match=r"received the observation .*; expected 2 finite numb"):
            controller.act(observation)


class Exploding(Pushed):
    """Predicts infinity where the first action is below zero, and takes finite numbers alone."""

    def changes(self, task_state, query_x):
        checked = tf.debugging.assert_all_finite(query_x, "as exports do")
        change = super().changes(task_state, checked)
        return tf.where(query_x[:, 2:3] < 0, np.inf, change)


def test_sequences_whose_predictions_are_not_finite_are_the_worst():
    controller = Controller(Exploding(), lambda o, a, n: -a[:, 0], WIDE, **SMALL | {"horizon": 2})
    controller.act([0.0, 0.0])
    first, _ = controller.act([0.0, 0.1])
    assert 0 <= first < 0.5  # least where predictions are finite


@pytest.mark.slow
def test_an_export_with_its_support_set_inside_is_refused():
    with pytest.raises(UserError, match=r"of the kind adapted; expected one that"):
        Controller(trained.adapted_export(), reward, WIDE)


@pytest.mark.parametrize(
    ("reward", "words"),
    [
        (lambda o, a, n: tf.reduce_sum(n), r"reward is of shape \(\) for 60 transitions; expected"),
        (lambda o, a, n: n, r"reward is of shape \(60, 2\)"),
        (lambda o, a, n: None, r"the reward is None; expected a tensor of one number"),
        (lambda o, a, n: tf.complex(n[:, 0], n[:, 1]), r"the reward is complex64; expected a real"),
        (lambda o, a, n: n[:, 0] * np.nan, r"fewer than 6 of 60 sequences .* have a finite reward"),
    ],
)
def test_a_reward_that_is_not_one_number_each_is_refused(reward, words):
    controller = Controller(Pushed(), reward, WIDE, **SMALL)
    controller.act([0.0, 0.0])
    with pytest.raises(UserError, match=words):
        controller.act([0.0, 0.1])
