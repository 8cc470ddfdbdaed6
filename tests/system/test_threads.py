"""How many threads the linear algebra of few rows and of many has."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tfmeta.runtime import one_thread_if_small


def threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize(("rows", "expected"), [(30, 1), (999, 1), (1000, 2)])
def test_few_rows_are_multiplied_by_one_thread(rows, expected):
    with threadpool_limits(2, "blas"):
        before = threads()
        with one_thread_if_small(rows):
            assert threads() == ({1} if expected == 1 else before)
        assert threads() == before != {1}
