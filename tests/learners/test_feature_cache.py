"""Features are computed in parts, one for each core, and come back in the order of the examples.

Those that are kept on disk are the network's own.
"""

import contextlib
import sqlite3
import sys
import threading

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.errors import UserError
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


def test_features_that_are_not_finite_are_refused(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.UnitNormalization()])
    x = np.ones((5, 2), np.float32)
    x[3] = np.inf
    with pytest.raises(UserError, match="features of 1 of 5 examples are not all finite"):
        feature_cache.cached_features(network, x, folder=tmp_path)


def test_fewer_examples_than_a_part_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "usable_cores", lambda: 3)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(2.0)])
    x = np.array([[3.0], [4.0]], np.float32)
    received = feature_cache.cached_features(network, x, folder=tmp_path)
    np.testing.assert_array_equal(received, [[6.0], [8.0]])


class Shifted(keras.layers.Layer):
    """Whose code a user edits between two runs."""

    shift = 0.0

    def call(self, x):
        return x - self.shift


def with_activation(name):
    """The last layer has the activation's name, as many users write it."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, kernel_initializer="ones")(Shifted()(inputs))
    return keras.Model(inputs, keras.layers.Activation(name, name=name)(x))


def by_hand(x, activation, shift=0.0):
    total = (x.astype(np.float32) / 255 - shift).sum(-1, keepdims=True)
    return np.repeat(activation(total), 3, -1)


@pytest.mark.fault(
    "the code of a network's layer changes between runs that share a cache",
    "the features are computed anew",
)
def test_features_of_other_code_are_computed_anew(tmp_path, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (9, 4), np.uint8)
    first = feature_cache.cached_features(with_activation("tanh"), x[2:], folder=tmp_path)
    assert_close(first, by_hand(x[2:], np.tanh))
    monkeypatch.setattr(Shifted, "shift", 0.5)
    received = feature_cache.cached_features(with_activation("tanh"), x, folder=tmp_path)
    assert_close(received, by_hand(x, np.tanh, 0.5))


@pytest.mark.fault(
    "networks that differ in an activation whose layer has the activation's name",
    "each has its own features in the cache",
)
def test_a_layers_name_hides_no_other_word(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (9, 4), np.uint8)
    for name, activation in (("tanh", np.tanh), ("exponential", np.exp)):
        received = feature_cache.cached_features(with_activation(name), x, folder=tmp_path)
        assert_close(received, by_hand(x, activation))
    assert len(list(tmp_path.rglob("*.sqlite"))) == 2


@pytest.mark.fault(
    "features in a cache that the disk has damaged where SQLite does not look",
    "these are computed anew, and the others are not",
)
@pytest.mark.parametrize(
    "damaged", [lambda f: f[:3] + b"\0\0" + f[5:], lambda f: f[:7], lambda f: b"", lambda f: "text"]
)
def test_a_damaged_row_is_computed_anew(tmp_path, damaged):
    x, network = np.arange(24, dtype=np.uint8).reshape(6, 4), with_activation("tanh")
    feature_cache.cached_features(network, x, folder=tmp_path)
    (file,) = tmp_path.rglob("*.sqlite")
    with contextlib.closing(sqlite3.connect(file)) as cache, cache:
        *_, (key, kept) = cache.execute("select example, f from features")
        cache.execute("update features set f = ? where example = ?", (damaged(kept), key))
    received = feature_cache.cached_features(network, x, folder=tmp_path)
    assert_close(received, by_hand(x, np.tanh))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="sqlite3 had no limits to set")
def test_more_examples_at_once_than_an_old_sqlite_takes(tmp_path, monkeypatch):
    def connect(*args, plain=sqlite3.connect, **options):
        connection = plain(*args, **options)
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr(feature_cache, "_BATCH", 1200)
    monkeypatch.setattr(feature_cache, "usable_cores", lambda: 1)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(2.0)])
    x = np.arange(1100, dtype=np.float32)[:, np.newaxis]
    received = feature_cache.cached_features(network, x, folder=tmp_path)
    np.testing.assert_array_equal(received, 2 * x)
