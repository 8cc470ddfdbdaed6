"""The half-cheetahs with tasks, beside Gymnasium's own with its reward changed by hand."""

import numpy as np
import pytest
from closeness import assert_close

from tfmeta import UserError
from tfmeta.environments.environments import Environments

gymnasium = pytest.importorskip("gymnasium", reason="the extra control")
pytest.importorskip("mujoco", reason="the extra control")

COST, STEPS = 0.05, 12
TASKS = {
    "half-cheetah-direction": np.array([[0], [1], [0]], np.float32),
    "half-cheetah-velocity": np.array([[0], [1.25], [2]], np.float32),
}


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """MuJoCo writes its warnings into a file in the working folder."""
    monkeypatch.chdir(tmp_path)


def reward_by_hand(name, velocity, task):
    if name == "half-cheetah-direction":
        return velocity * (1 if task == 1 else -1)
    return -abs(velocity - task)


@pytest.mark.parametrize("name", TASKS)
def test_the_numbers_are_gymnasiums(name, tmp_path):
    """Observations to the last bit, from the same seeds; the reward from its velocity."""
    cheetahs, tasks, seeds = Environments(name), TASKS[name], np.array([5, 9, 5])
    actions = np.random.default_rng(1).normal(size=(STEPS, 3, 6))
    first = cheetahs.reset(seeds, tasks)
    seen = [cheetahs.step(each) for each in actions]
    assert not list(tmp_path.iterdir())  # MuJoCo has nothing to warn of
    one = gymnasium.make("HalfCheetah-v5")
    for k, (seed, (task,)) in enumerate(zip(seeds, tasks, strict=True)):
        observation, _ = one.reset(seed=int(seed))
        np.testing.assert_array_equal(first[k], np.float32(observation))
        for step in range(STEPS):
            action = np.clip(actions[step, k], -1, 1).astype(np.float32)
            observation, *_, info = one.step(action)
            np.testing.assert_array_equal(seen[step][0][k], np.float32(observation))
            cost = COST * float(np.sum(action.astype(np.float64) ** 2))
            expected = reward_by_hand(name, float(info["x_velocity"]), float(task)) - cost
            assert_close(seen[step][1][k], expected, dtype=np.float32, scale=1 + abs(expected))


@pytest.mark.parametrize("name", TASKS)
def test_many_are_as_one_by_one(name):
    """Gymnasium steps copies of the environment; ours shares one model."""
    tasks, seeds = TASKS[name], [3, 0, 8]
    many = Environments(name, horizon=STEPS)
    seen = many.reset(np.array(seeds), tasks)
    kind = "HalfCheetahDirection" if "direction" in name else "HalfCheetahVelocity"
    ones = [gymnasium.make(f"tfmeta/{kind}-v0", max_episode_steps=STEPS) for _ in seeds]
    for k, one in enumerate(ones):
        observation, _ = one.reset(seed=seeds[k], options={"task": tasks[k]})
        np.testing.assert_array_equal(seen[k], np.float32(observation))
    for actions in np.random.default_rng(2).uniform(-1, 1, (STEPS, 3, 6)).astype(np.float32):
        observations, rewards, ended = many.step(actions)
        for k, one in enumerate(ones):
            observation, reward, terminated, truncated, _ = one.step(actions[k])
            np.testing.assert_array_equal(observations[k], np.float32(observation))
            assert rewards[k] == np.float32(reward)
            assert ended[k] == (terminated or truncated)
    assert ended.all()


def test_a_simulation_that_became_unstable_is_refused():
    """MuJoCo resets it, and would go on as if nothing had happened."""
    many = Environments("half-cheetah-velocity")
    many.reset(np.arange(2), np.ones((2, 1)))
    many.step(np.zeros((2, 6)))
    many._current._all[1].qvel[:] = 1e12
    with pytest.raises(UserError, match=r"a reward .* not finite, after 2 steps, in copy 1"):
        many.step(np.zeros((2, 6)))


def test_a_horizon_is_the_papers():
    assert {Environments(name).horizon for name in TASKS} == {200}
