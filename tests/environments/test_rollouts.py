"""Trajectories in the graph beside a loop in Python."""

import numpy as np
import tensorflow as tf
from closeness import assert_close
from scipy import stats

from tfmeta.environments.rollouts import Rollouts

TASKS, TRAJECTORIES, STEPS = 2, 3, 4
RNG = np.random.default_rng(0)
GOALS = RNG.normal(size=(TASKS, 1)).astype(np.float32)
SEEDS = np.arange(TASKS * TRAJECTORIES, dtype=np.int32).reshape(TASKS, TRAJECTORIES)
NOISE = RNG.normal(size=(TASKS, TRAJECTORIES, STEPS, 1)).astype(np.float32)


class Counters:
    """Each counts its steps from its seed; copy n ends after its n-th step, and then rests."""

    observation_size = 2

    def reset(self, seeds, tasks):
        self.tasks, self.seeds, self.step_number = tasks[:, 0], seeds, 0
        return self.observed()

    def observed(self):
        return np.column_stack([self.seeds, np.full(len(self.seeds), self.step_number)]) / 10.0

    def step(self, actions):
        self.step_number += 1
        ended = self.step_number >= 1 + np.arange(len(self.seeds)) % 5
        rewards = self.tasks + actions[:, 0]
        has_ended_before = self.step_number > 1 + np.arange(len(self.seeds)) % 5
        rewards = np.where(has_ended_before, 0, rewards)
        return self.observed().astype(np.float32), rewards.astype(np.float32), ended

    def __getattribute__(self, name):  # float32, as the real ones give it
        found = object.__getattribute__(self, name)
        return (lambda *a: np.float32(found(*a))) if name == "reset" else found


def policy(observations):
    """The mean is the sum of what is seen, the deviation 0.5."""
    mean = tf.reduce_sum(observations, -1, keepdims=True)
    return tf.concat([mean, tf.fill(tf.shape(mean), np.float32(np.log(0.5)))], -1)


def collected(**options):
    run = Rollouts(Counters(), **options)
    traced = tf.function(lambda *given: run(policy, *given))
    return [each.numpy() for each in traced(GOALS, SEEDS, NOISE)]


def test_they_are_those_of_a_loop():
    observations, actions, density, rewards, happened = collected()
    assert observations.shape == (TASKS, TRAJECTORIES, STEPS, 2)
    for task in range(TASKS):
        for number in range(TRAJECTORIES):
            copy = task * TRAJECTORIES + number
            for step in range(STEPS):
                seen = np.float32([copy / 10, step / 10])
                mean = seen.sum()
                done = mean + 0.5 * NOISE[task, number, step, 0]
                place = task, number, step
                assert_close(observations[place], seen)
                assert_close(actions[place][0], np.float32(done))
                expected = stats.norm.logpdf(actions[place][0], mean, 0.5)
                assert_close(density[place], np.float32(expected))
                assert happened[place] == (step < 1 + copy % 5)
                expected = GOALS[task, 0] + actions[place][0] if happened[place] else 0
                assert_close(rewards[place], np.float32(expected), scale=1)


def test_a_policy_that_knows_the_task_sees_it_last():
    observations = collected(knows_task=True)[0]
    assert observations.shape[-1] == 3
    tasks = np.broadcast_to(GOALS[:, np.newaxis, np.newaxis], (*observations.shape[:3], 1))
    np.testing.assert_array_equal(observations[..., 2:], tasks)
    np.testing.assert_array_equal(observations[..., :2], collected()[0])
