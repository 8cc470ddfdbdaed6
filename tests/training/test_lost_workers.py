"""What is left when a worker was lost while TensorFlow added numbers of all workers up."""

from multiprocessing.pool import ThreadPool

import pytest

from tfmeta.training.workers import close_pools


def test_a_pool_of_threads_that_was_left_open_is_closed():
    pool = ThreadPool(1)
    assert pool.map(abs, [-1]) == [1]
    close_pools()
    with pytest.raises(ValueError, match="not running"):
        pool.map(abs, [-1])
    pool.join()
