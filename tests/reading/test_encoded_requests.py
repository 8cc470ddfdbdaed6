"""The examples of a request are prepared side by side, and large ones alone."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import each_prepared

LONG = 0.02  # seconds that the preparation of an example takes


class Preparation:
    """Doubles numbers, and notes which examples were in work as each of them began."""

    def __init__(self):
        self.in_work, self.seen, self.lock = set(), {}, threading.Lock()

    def __call__(self, number):
        with self.lock:
            self.seen[int(number)] = set(self.in_work)
            self.in_work.add(int(number))
        time.sleep(LONG)
        with self.lock:
            self.in_work.remove(int(number))
        return np.float32([2 * number])


def prepared(are_large, *, preparation):
    def prepare_one(element):
        example = tf.numpy_function(preparation, element, tf.float32, stateful=False)
        return tf.ensure_shape(example, (1,))

    numbers = np.arange(len(are_large), dtype=np.int32)
    spec = tf.TensorSpec((1,), tf.float32)
    # A session has threads of its own, whatever the process has.
    threads = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=4, use_per_session_threads=True)
    with tf.Graph().as_default(), tf.compat.v1.Session(config=threads) as session:
        large = tf.constant(are_large, tf.bool)
        elements = (tf.constant(numbers),)
        return session.run(each_prepared(prepare_one, elements, spec=spec, are_large=large))


@pytest.mark.parametrize("are_large", [[], [False], [True, True], [False, True] * 3 + [False] * 4])
def test_examples_keep_their_order(are_large):
    found = prepared(are_large, preparation=Preparation())
    assert found.tolist() == [[2.0 * n] for n in range(len(are_large))]


def test_a_large_example_begins_after_all_before_it():
    are_large = [False, False, True, True, False, True, False, True]
    preparation = Preparation()
    prepared(are_large, preparation=preparation)
    for number, is_large in enumerate(are_large):
        before = {n for n in preparation.seen[number] if n < number}
        assert not (is_large and before), f"{number} began while {before} were in work"


def test_small_examples_are_prepared_side_by_side():
    preparation = Preparation()
    prepared([False] * 8, preparation=preparation)
    assert any(preparation.seen.values())
