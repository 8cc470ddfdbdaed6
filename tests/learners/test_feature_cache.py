"""Features are computed in parts, one for each core, and come back in the order of the examples."""

import threading

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.learners import feature_cache


@pytest.mark.parametrize("cores", [1, 3])
def test_every_core_computes_a_part(tmp_path, monkeypatch, cores):
    threads = set()

    class Pool(feature_cache.ThreadPoolExecutor):
        def map(self, function, parts):
            def noted(part):
                threads.add(threading.get_ident())
                barrier.wait(timeout=60)  # all of them compute at the same time
                return function(part)

            barrier = threading.Barrier(cores)
            return super().map(noted, parts)

    monkeypatch.setattr(feature_cache, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(feature_cache, "usable_cores", lambda: cores)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(192, 4)).astype(np.float32)
    received = feature_cache.cached_features(network, x, folder=tmp_path)
    kernel, bias = network.get_weights()
    assert_close(received, x @ kernel + bias, roundings=8)
    assert len(threads) == cores


def test_fewer_examples_than_a_part_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "usable_cores", lambda: 3)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(2.0)])
    x = np.array([[3.0], [4.0]], np.float32)
    received = feature_cache.cached_features(network, x, folder=tmp_path)
    np.testing.assert_array_equal(received, [[6.0], [8.0]])
