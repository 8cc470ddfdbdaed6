"""Advantages of trajectories in NumPy, one trajectory and one step after another."""

import numpy as np


def summed_up(values, factor):
    """From the last step to the first."""
    found, after = np.zeros(len(values)), 0.0
    for step in reversed(range(len(values))):
        found[step] = after = values[step] + factor * after
    return found


def features(observations):
    seen, time = np.clip(observations, -10, 10), np.arange(len(observations)) / 100
    return np.column_stack([seen, seen**2, time, time**2, time**3, np.ones(len(time))])


def fitted(x, returns):
    """The ridge is one more row for each weight, in place of the normal equations."""
    size = x[0].shape[1]
    rows = np.concatenate([*x, np.sqrt(1e-5) * np.eye(size)])
    weights = np.linalg.lstsq(rows, np.concatenate([*returns, np.zeros(size)]), rcond=None)[0]
    return [each @ weights for each in x]


def by_hand(trajectories, discount, gae_lambda):
    """Advantages of `(observations, rewards)`, each only its valid steps, in float64."""
    returns = [summed_up(rewards, discount) for _, rewards in trajectories]
    expected = fitted([features(observations) for observations, _ in trajectories], returns)
    found = []
    for values, (_, rewards) in zip(expected, trajectories, strict=True):
        values = np.append(values, 0.0)
        errors = rewards + discount * values[1:] - values[:-1]
        found.append(summed_up(errors, discount * gae_lambda))
    mean, deviation = np.mean(np.concatenate(found)), np.std(np.concatenate(found))
    return [(each - mean) / deviation for each in found]
