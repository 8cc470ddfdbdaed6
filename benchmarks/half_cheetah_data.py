"""Trajectories of the half-cheetah with one joint disabled, for `half_cheetah.py`.

    .venv/bin/python benchmarks/half_cheetah_data.py cheetah.npz

A trajectory has one condition: `none`, or the joint whose action is replaced by zero, as in
Nagabandi et al. 2019, section 6. The action in the file is the one that the policy asked for, so
the condition has to be found out from the transitions. Half of the trajectories of each condition
are of a random policy (an action is kept for one to four steps), half of a scripted one: each
joint follows a sine wave, with an amplitude, a phase and a common frequency drawn for the
trajectory, and noise.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

JOINTS = ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")  # in the order of the actions
CONDITIONS = ("none", *JOINTS)
STEP_SECONDS = 0.05
Policy = Callable[[int], np.ndarray]


def environment(**options: Any) -> Any:
    """Gymnasium's half-cheetah, of 17 observations and 6 actions."""
    return gymnasium.make("HalfCheetah-v5", **options)


def applied(action: np.ndarray, condition: str) -> np.ndarray:
    """What the joints do if they are asked for an action."""
    if condition not in JOINTS:
        return action
    return np.where(np.arange(len(JOINTS)) == JOINTS.index(condition), 0.0, action)


def random_policy(rng: np.random.Generator) -> Policy:
    """Uniform actions, each kept for one to four steps."""
    state = {"left": 0, "action": np.zeros(len(JOINTS))}

    def act(step: int) -> np.ndarray:
        if not state["left"]:
            state.update(left=rng.integers(1, 5), action=rng.uniform(-1, 1, len(JOINTS)))
        state["left"] -= 1
        return state["action"]

    return act


def scripted_policy(rng: np.random.Generator) -> Policy:
    """A sine wave for each joint, of one frequency (0.5 to 4 Hz), and noise."""
    amplitude = rng.uniform(0.3, 1.2, len(JOINTS))
    phase = rng.uniform(0, 2 * np.pi, len(JOINTS))
    frequency = rng.uniform(0.5, 4.0)
    noise = rng.uniform(0.0, 0.4)

    def act(step: int) -> np.ndarray:
        wave = amplitude * np.sin(2 * np.pi * frequency * step * STEP_SECONDS + phase)
        return np.clip(wave + noise * rng.standard_normal(len(JOINTS)), -1, 1)

    return act


def trajectory(env: Any, policy: Policy, condition: str, length: int, seed: int) -> Iterator[Any]:
    """The transitions `(observation, action, next observation)` of one trajectory."""
    observation, _ = env.reset(seed=seed)
    for step in range(length):
        action = policy(step)
        following, *_ = env.step(applied(action, condition))
        yield observation, action, following
        observation = following


def data(per_condition: int, length: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of the file.

    Args:
        per_condition: trajectories of each condition; every second one is scripted.
        length: of a trajectory, in transitions.
        seed: of all that is drawn.
    """
    env, names = environment(), []
    rows: list[Any] = []
    for condition in CONDITIONS:
        for number in range(per_condition):
            rng = np.random.default_rng([seed, CONDITIONS.index(condition), number])
            policy = (random_policy if number % 2 == 0 else scripted_policy)(rng)
            rows += trajectory(env, policy, condition, length, int(rng.integers(2**31)))
            names += [(f"{condition}-{number}", condition)] * length
    parts = zip(*rows, strict=True)
    keys = ("observations", "actions", "next_observations")
    arrays = {k: np.stack(p).astype(np.float32) for k, p in zip(keys, parts, strict=True)}
    trajectories, conditions = zip(*names, strict=True)
    return {**arrays, "trajectory": np.array(trajectories), "condition": np.array(conditions)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--per-condition", type=int, default=80)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    np.savez_compressed(options.output, **data(options.per_condition, options.length, options.seed))


if __name__ == "__main__":
    main()
