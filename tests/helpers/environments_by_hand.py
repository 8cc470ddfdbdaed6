"""Environments that are made for tests, registered with Gymnasium; some are wrong in one way."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.wrappers import FlattenObservation, TransformAction


class Counting(gymnasium.Env):
    """Ends after as many steps as its task says; observes its noise, drawn from the seed."""

    task_space = Discrete(3, start=2)
    observation_space = Box(-np.inf, np.inf, (2,), np.float64)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.task, self.steps = options["task"], 0
        return np.array([self.np_random.uniform(), 0.0]), {}

    def step(self, action):
        assert self.steps < self.task[0], "stepped after its end"
        self.steps += 1
        seen = np.array([self.np_random.uniform(), action[0]])
        return seen, float(self.task[0] * 10), bool(self.steps == self.task[0]), False, {}


class Whole(Counting):
    task_space = Box(np.array([0, -3]), np.array([1, -1]), dtype=np.int64)


class NoTasks(Counting):
    task_space = None


class Unbounded(Counting):
    task_space = Box(0, np.inf, (1,), np.float32)


class Large(Counting):
    task_space = Box(0, 1, (5,), np.float32)


class Image(Counting):
    observation_space = Box(0, 1, (4, 4), np.float32)


class Parts(Counting):
    observation_space = Dict({"place": Box(0, 1, (2,), np.float32)})


class Buttons(Counting):
    action_space = Discrete(4)

    def step(self, action):
        assert self.action_space.contains(action)
        return super().step([action])


class Clicks(Counting):
    action_space = Box(0, 9, (2,), np.int64)


class Ticks(Counting):
    """Whole numbers, and a truth value that never changes."""

    observation_space = Box(0, 1000, (2,), np.int64)

    def reset(self, **options):
        super().reset(**options)
        return np.array([0, 1]), {}

    def step(self, action):
        _, *rest = super().step(action)
        return np.array([10 * self.steps, 1]), *rest


def scored(env):
    """What the refusal of Discrete actions advises."""
    scores = Box(-1, 1, (4,))
    return TransformAction(env, lambda scores: int(scores.argmax()), scores)


class Broken(Counting):
    def __init__(self):
        raise OSError("no robot on port 4")


class NotFinite(Counting):
    """After its second step the observation or the reward of task 3 is none."""

    observed, rewarded = np.nan, 0.0

    def step(self, action):
        self.steps += 1
        if self.steps == 2 and self.task[0] == 3:
            return np.array([self.observed, 1.0]), self.rewarded, False, False, {}
        return np.ones(2), 1.0, False, False, {}


class NoReward(NotFinite):
    observed, rewarded = 1.0, 1e300  # more than a float32 holds


REGISTERED = (Counting, Whole, NoTasks, Unbounded, Large, Image, Parts, Buttons, Clicks, Ticks)
for kind in (*REGISTERED, Broken):
    gymnasium.register(f"byhand/{kind.__name__}-v0", entry_point=kind, max_episode_steps=4)


class Failing(Counting):
    def step(self, action):
        raise RuntimeError("motor 3 is stuck\nsince noon")


for kind in (NotFinite, NoReward, Failing):
    gymnasium.register(f"byhand/{kind.__name__}-v0", entry_point=kind, max_episode_steps=4)
gymnasium.register("byhand/Endless-v0", entry_point=Counting)
MADE = {
    "Scored": lambda: scored(Buttons()),
    "FlatImage": lambda: FlattenObservation(Image()),
    "FlatParts": lambda: FlattenObservation(Parts()),
}
for name, make in MADE.items():
    gymnasium.register(f"byhand/{name}-v0", entry_point=make, max_episode_steps=4)
