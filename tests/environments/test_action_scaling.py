"""The scale in which a policy answers, beside the bounds of each action."""

import numpy as np
import pytest

from tfmeta.environments.spaces import action_scaling

FAR = 3e38  # twice of it is beyond float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_action_with_bounds_has_its_own_scale(dtype):
    bounds = {(-1, 1): (0, 1), (0, 500): (250, 250), (-0.25, 0.75): (0.25, 0.5)}
    as_they_are = [(-np.inf, np.inf), (-np.inf, 1), (0, np.inf), (2, 2), (-FAR, FAR)]
    low, high = np.array([*bounds, *as_they_are], dtype).T
    found = action_scaling(low, high)
    expected = [*bounds.values(), *[(0, 1)] * len(as_they_are)]
    pairs = zip(found["action_centre"], found["action_scale"], strict=True)
    assert list(pairs) == expected


def test_actions_without_bounds_are_as_they_are():
    assert action_scaling(np.array([-np.inf, 0.0]), np.array([np.inf, np.inf])) == {}
