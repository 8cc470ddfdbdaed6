"""The networks of windows `(time, channels)`: each as NumPy says."""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta import networks
from tfmeta.reading.feature_columns import input_scaling

SHAPE = (7, 2)
X = np.random.default_rng(0).normal(size=(4, *SHAPE)).astype(np.float32)
NAMES = ("conv1d", "recurrent")


def drawn(network):
    """The weights, all of them away from zero and one."""
    rng = np.random.default_rng(1)
    weights = [rng.uniform(0.2, 0.9, w.shape).astype(np.float32) for w in network.get_weights()]
    network.set_weights(weights)
    return weights


def test_conv1d_is_convolution_normalisation_and_a_mean():
    network = networks.conv1d(SHAPE, None, filters=(3,), kernels=(3,))
    kernel, bias, gamma, beta, mean, variance = drawn(network)
    padded = np.pad(X, [(0, 0), (1, 1), (0, 0)])
    seen = sum(padded[:, k : k + SHAPE[0]] @ kernel[k] for k in range(3)) + bias
    seen = (seen - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    assert_close(network(X), np.maximum(seen, 0).mean(1))


def test_recurrent_reads_a_window_forwards_and_backwards():
    network = networks.recurrent(SHAPE, None, units=3)
    weights = drawn(network)
    forwards, backwards = weights[:3], weights[3:]
    expected = [units(X, *forwards), units(X[:, ::-1], *backwards)]
    assert_close(network(X), np.concatenate(expected, 1))


def units(x, kernel, recurrent, bias):
    """Gated recurrent units (Cho et al. 2014), in the form whose reset comes after the product."""
    state = np.zeros((len(x), len(recurrent)))
    for step in range(x.shape[1]):
        update, reset, new = np.split(x[:, step] @ kernel + bias[0], 3, 1)
        of_update, of_reset, of_new = np.split(state @ recurrent + bias[1], 3, 1)
        update, reset = (1 / (1 + np.exp(-g)) for g in (update + of_update, reset + of_reset))
        state = update * state + (1 - update) * np.tanh(new + reset * of_new)
    return state


@pytest.mark.parametrize("name", NAMES)
def test_each_channel_is_scaled_as_a_whole(name):
    x = X * np.array([3.0, 0.1]) + np.array([50.0, -2.0])
    given = {"input_mean": x.mean(0).reshape(-1), "input_scale": x.std(0).reshape(-1)}
    scaled = getattr(networks, name)(SHAPE, 2, **given)
    plain = getattr(networks, name)(SHAPE, 2)
    plain.set_weights(scaled.get_weights())
    by_channel = (x - x.mean((0, 1))) / x.std((0, 1))
    assert_close(scaled(x.astype(np.float32)), plain(by_channel.astype(np.float32)), roundings=100)


def test_windows_that_all_begin_at_zero_are_scaled_by_what_follows():
    x = np.random.default_rng(0).normal(size=(50, 7, 2)) * np.array([1e-3, 10.0])
    x[:, :3] = 0
    given = input_scaling(x.astype(np.float32), True)
    network = networks.conv1d(x.shape[1:], 2, **given)
    seen = keras.Model(network.input, network.get_layer("windows").output)(x)
    deviation = np.std(seen, (0, 1))
    assert ((deviation > 0.7) & (deviation <= 1.01)).all(), deviation
    assert_close(np.reshape(given["input_scale"], (7, 2))[0], x.std((0, 1)), dtype=np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_window_is_refused(name):
    with pytest.raises(ValueError, match=r"received input_shape=\(7,\); expected windows"):
        getattr(networks, name)((7,), 2)
    with pytest.raises(ValueError, match="expected 14 finite numbers"):
        getattr(networks, name)(SHAPE, 2, input_mean=[0.0])


def test_filters_without_kernels_are_refused():
    with pytest.raises(ValueError, match="received 2 filters and 1 kernels"):
        networks.conv1d(SHAPE, 2, filters=(3, 4), kernels=(3,))
