"""Logged trajectories, known by heart: a point drifts, and its condition scales its push."""

import numpy as np

PUSH = {"calm": 1.0, "ice": 2.0, "mud": 0.5, "wind": -1.0}  # by condition
LENGTH = 12


def arrays(*, per_condition=3, length=LENGTH, **lengths):
    """An NPZ's arrays. The first observation counts all steps of the file, so it tells a row.

    Args:
        per_condition: trajectories of each condition.
        length: of a trajectory, in transitions.
        lengths: of a trajectory in place of `length`, such as `ice1=3`.
    """
    rng = np.random.default_rng(0)
    columns = {name: [] for name in ("observations", "actions", "next_observations")}
    names, conditions, steps = [], [], 0
    for condition, push in PUSH.items():
        for number in range(per_condition):
            name = f"{condition}{number}"
            state = np.array([steps, rng.normal()])
            for _ in range(lengths.get(name, length)):
                action = rng.normal(size=1)
                following = state + np.array([1, push * action[0]])
                for column, value in zip(columns.values(), (state, action, following), strict=True):
                    column.append(value)
                names.append(name)
                conditions.append(condition)
                state, steps = following, steps + 1
            steps += 1
    texts = {"trajectory": np.array(names), "condition": np.array(conditions)}
    return {name: np.array(values) for name, values in columns.items()} | texts


def columns(found):
    """The same as the columns of a table."""
    names = {
        "observations": "observation_{}",
        "actions": "action_{}",
        "next_observations": "next_observation_{}",
    }
    table = {}
    for name, values in found.items():
        wide = values.reshape(len(values), -1)
        named = names.get(name, name)
        table |= {named.format(i): wide[:, i] for i in range(wide.shape[1])}
    return table


def rows_of(found, x):
    """The rows of the file in which examples `(..., features)` stand."""
    order = np.argsort(found["observations"][:, 0])
    return order[np.searchsorted(found["observations"][order, 0], np.asarray(x)[..., 0])]
