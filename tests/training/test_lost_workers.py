"""A worker that is lost while TensorFlow adds numbers of all workers up."""

import gc
from multiprocessing.pool import RUN, ThreadPool

import pytest
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.training.workers import Workers


def all_reduce():
    """As TensorFlow does it eagerly: an error leaves the pool open."""

    def fail(_):
        raise tf.errors.UnavailableError(None, None, "socket closed")

    pool = ThreadPool(1)
    pool.map(fail, [0])
    pool.close()


def open_pools():
    return [
        each for each in gc.get_objects() if isinstance(each, ThreadPool) and each._state == RUN
    ]


@pytest.mark.filterwarnings("ignore:unclosed running multiprocessing pool:ResourceWarning")
def test_threads_of_a_failed_all_reduce_end_before_python_does():
    workers, before = Workers(), len(open_pools())
    workers.number = 2
    with pytest.raises(UserError, match="another worker has ended") as caught, workers.watched("r"):
        all_reduce()
    assert len(open_pools()) == before
    assert isinstance(caught.value.__cause__, tf.errors.UnavailableError)
