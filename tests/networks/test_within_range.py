"""Columns that end beyond what was seen, against NumPy."""

import keras
import numpy as np

from tfmeta.networks.within_range import WithinRange

SEEN = np.float32([[0, 5, -3], [4, 5, 1], [2, 5, 0]])
ASKED = np.float32([[-2.5, 5, 0], [7, 5.5, -9], [1e30, -1e30, 2.9]])


def test_numbers_end_a_share_of_the_range_beyond_it(tmp_path):
    layer = WithinRange(0.5)
    np.testing.assert_array_equal(layer(ASKED), ASKED)  # before it has seen any
    layer.fit(SEEN)
    expected = np.clip(ASKED, [-2, 5, -5], [6, 5, 3])
    np.testing.assert_array_equal(layer(ASKED), expected)
    inputs = keras.Input((3,))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(ASKED), expected)
