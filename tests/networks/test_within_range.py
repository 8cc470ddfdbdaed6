"""Columns that end beyond what was seen, against NumPy."""

import keras
import numpy as np
from closeness import assert_close

from tfmeta.networks.within_range import BeyondRange, WithinRange

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


def test_how_far_numbers_are_beyond_is_one_distance(tmp_path):
    numbers, within = (keras.Input((3,), name=name) for name in ("numbers", "within"))
    keras.Model([numbers, within], BeyondRange()([numbers, within])).save(tmp_path / "n.keras")
    network = keras.models.load_model(tmp_path / "n.keras")
    ends = np.clip(ASKED, [-2, 5, -5], [6, 5, 3])
    found = network([ASKED, ends]).numpy()
    distances = np.linalg.norm(np.float64(ASKED) - ends, axis=-1, keepdims=True)
    assert_close(found, np.minimum(distances, 1e6), dtype=np.float32)
    assert np.isfinite(np.square(network([np.float32([[3e38] * 3]), ends[:1]]))).all()
