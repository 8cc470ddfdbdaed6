"""Episodes whose labels are the classes' numbers in their split."""

import numpy as np
from drawn_episodes import drawn
from encoded_episodes import possible_episodes, read_back
from hypothesis import given
from hypothesis import strategies as st


@given(possible_episodes() | possible_episodes(grouped=True), st.integers(0, 2**40))
def test_the_number_of_a_class_is_that_in_its_split(case, first):
    """Turned classes come after all that are upright, turn by turn."""
    source, split, shape = case
    plain = drawn(source, split, shape, first=first)
    numbered = drawn(source.with_class_numbers(), split, shape, first=first)
    np.testing.assert_array_equal(numbered.support_x, plain.support_x)
    np.testing.assert_array_equal(numbered.query_x, plain.query_x)
    members = source.index.classes(split).tolist()
    assert source.num_classes(split, shape) == len(members) * source.num_rotations
    for x, y in (numbered[:2], numbered[2:]):
        classes, _, turns = read_back(x, shape.num_ways)
        expected = np.vectorize(members.index)(classes) + turns * len(members)
        np.testing.assert_array_equal(y, expected.reshape(y.shape))
