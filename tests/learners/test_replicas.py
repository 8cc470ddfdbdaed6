"""Work that is shared out over replicas; several of them are in tests/training/test_workers.py."""

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.learners.replicas import OnReplicas, share_of


@pytest.mark.parametrize("number", [1, 5])
def test_every_part_comes_once_and_in_its_order(number):
    strategy = tf.distribute.get_strategy()
    share = share_of(strategy)
    assert (share.replicas, share.first, share.count) == (1, 0, 1)
    squares = OnReplicas(
        strategy,
        lambda part: tf.stack([part, part**2]),
        parts=lambda numbers: numbers.map(lambda number: number + 10),
        number=number,
    )
    expected = [(10 + part, (10 + part) ** 2) for part in range(number)]
    for _ in range(2):  # it may be asked again
        np.testing.assert_array_equal(squares(), expected)
