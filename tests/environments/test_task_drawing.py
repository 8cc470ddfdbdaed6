"""A task drawn: which trajectories, how far, in which colours."""

import numpy as np

from tfmeta.environments.attempts import Attempts
from tfmeta.environments.drawing import colours
from tfmeta.environments.rollouts import Trajectories
from tfmeta.environments.task_drawing import task_drawing


def test_a_path_goes_on_to_where_it_ended():
    ended, went_on = [[0, 0], [1, 0], [2, 0], [2, 0]], [[0, 0], [0, 1], [0, 2], [0, 3]]
    places = np.float32([[ended, went_on]])
    happened = np.array([[[True, True, False, False], [True] * 4]])
    found = Trajectories(places, places, places[..., 0], places[..., 0], happened)
    attempts = Attempts(np.zeros((1, 2), "f"), None, {0: found, 2: found})
    drawing = task_drawing("point-navigation", attempts)
    assert drawing.words == "with the goal (0, 0): before, after 2 steps"
    pixels, metre = np.asarray(drawing.still).astype(int), 160 / (1.1 * 3)
    is_blue = abs(pixels - colours(2)[1]).max(-1) < 40
    for x, y in ((1.9, 0), (0, 2.9)):
        row, column = round(160 - metre * y), round(160 + metre * x)
        assert is_blue[row - 1 : row + 1, column - 1 : column + 1].any()
    assert not is_blue[159:161, round(160 + metre * 2.2)].any()
