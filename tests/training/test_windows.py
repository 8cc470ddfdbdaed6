"""How steps divide into windows, against every step looked at by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfmeta.training.windows import Windows


def ends(windows, last):
    """The ends of windows up to the step `last`, as `fit` would reach them one after the other."""
    step, found = 0, []
    while step < last:
        length, number = windows.alike(step)
        assert length == windows.longest or number == 1
        found += [step + length * (n + 1) for n in range(number)]
        step = found[-1]
    return [end for end in found if end <= last]


@given(st.integers(1, 9), st.none() | st.integers(1, 9), st.integers(1, 40))
def test_windows_end_where_they_should(log_every, validate_every, last):
    every = [n for n in (log_every, validate_every) if n]
    expected = [s for s in range(1, last + 1) if s == last or any(s % n == 0 for n in every)]
    windows = Windows(log_every, validate_every, last)
    assert ends(windows, last) == expected
    assert windows.longest == max(
        [b - a for a, b in zip([0, *expected], expected, strict=False)]
        if last >= min(every)
        else [min(every)]
    )
    for step in range(last + 1):
        assert windows.number_before(step) == sum(end <= step for end in expected)
        assert windows.is_validated(step) == bool(validate_every and step % validate_every == 0)


@pytest.mark.parametrize("start", [0, 3, 7])
def test_without_a_last_step_they_go_on(start):
    length, number = Windows(4, 8).alike(start)
    assert length == 4 - start % 4
    assert (number > 1000) == (start == 0)
