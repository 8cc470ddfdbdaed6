"""MiniRocket's features beside loops over kernels and steps, and what a head compares."""

from itertools import combinations

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.networks.mini_rocket import MiniRocket
from tfmeta.networks.window_features import features_of_windows, steps_of_windows
from tfmeta.reading.sensor_windows import are_windows


def windows(number=6, time=40, channels=3):
    return np.random.default_rng(0).normal(size=(number, time, channels)).astype(np.float32)


def fitted(x):
    layer = MiniRocket()
    layer(x)
    layer.fit(x)
    return layer


def convolved(window, kernel, dilation):
    """`(time,)`: the kernel at every step, with zeros around the window."""
    padded = np.pad(np.float64(window), ((4 * dilation, 4 * dilation), (0, 0)))
    steps = range(len(window))
    return np.array([(padded[s : s + 8 * dilation + 1 : dilation] * kernel).sum() for s in steps])


def test_its_features_are_the_shares_above_each_threshold():
    x = windows()
    layer, expected = fitted(x), []
    for number, dilation in enumerate(layer.dilations):
        kernels, thresholds = layer.kernels[number].numpy(), layer.thresholds[number].numpy()
        for row in thresholds:
            for kernel in range(84):
                made = [convolved(window, kernels[..., kernel], dilation) for window in x]
                inside = slice(4 * dilation, 40 - 4 * dilation)
                taken = slice(None) if (number + kernel) % 2 == 0 else inside
                expected.append([np.mean(each[taken] > row[kernel]) for each in made])
    found = layer(x).numpy()
    assert found.shape == (6, 2016) == layer.compute_output_shape(x.shape)
    assert_close(found, np.float32(np.transpose(expected)))


def test_its_kernels_and_dilations_are_those_of_the_paper():
    layer = fitted(windows(time=100))
    assert layer.dilations == sorted(set(layer.dilations))
    assert layer.dilations[0] == 1
    assert layer.dilations[-1] == 12  # 8 * 12 + 1 = 97 of 100 steps
    assert sum(each.shape[0] for each in layer.thresholds) == 24
    high = set(combinations(range(9), 3))
    for kernels in layer.kernels:
        kernels = kernels.numpy()
        drawn = np.abs(kernels).sum(0) > 0
        assert drawn.any(0).all()
        found = set()
        for kernel in range(84):
            (weights,) = {tuple(row) for row in kernels[:, drawn[:, kernel], kernel].T.tolist()}
            assert set(weights) == {-1.0, 2.0}
            found.add(tuple(np.flatnonzero(np.equal(weights, 2)).tolist()))
        assert found == high


def test_thresholds_lie_among_what_kernels_make_of_the_examples():
    x = windows(number=1, channels=1)
    layer = fitted(x)
    for number, dilation in enumerate(layer.dilations):
        kernels, thresholds = layer.kernels[number].numpy(), layer.thresholds[number].numpy()
        for kernel in (0, 41, 83):
            made = np.sort(convolved(x[0], kernels[..., kernel], dilation))
            assert (thresholds[:, kernel] > made[0]).all()
            assert (thresholds[:, kernel] < made[-1]).all()
    levels = np.concatenate([each.numpy() for each in layer.thresholds])
    assert len(np.unique(levels)) > 1900


def test_what_is_constant_is_above_no_threshold_of_its_own_rounding():
    """Windows are filled up with zeros, of which scaling makes any number."""
    x = windows(channels=1)
    x[:, 10:] = 0.3
    layer = fitted(x)
    shares = layer(np.float32(x)).numpy()
    # Rounding alone: the same numbers, as others would add them up.
    noise = np.random.default_rng(1).uniform(-1e-6, 1e-6, x.shape)
    np.testing.assert_array_equal(layer(np.float32(x + noise)).numpy(), shares)


@pytest.mark.parametrize("time", [9, 10, 16, 17, 24, 500])
def test_no_kernel_is_longer_than_a_window(time):
    layer = fitted(windows(2, time, 1))
    assert 8 * layer.dilations[-1] + 1 <= time
    assert np.isfinite(layer(windows(2, time, 1)).numpy()).all()


def test_windows_that_are_shorter_than_a_kernel_are_refused():
    with pytest.raises(ValueError, match="received windows of 8 steps; expected 9 or more"):
        MiniRocket()(windows(time=8))
    assert are_windows((9, 1))
    assert not are_windows((8, 1))
    assert not are_windows((9,))


def test_what_a_head_compares_is_centred_and_saved(tmp_path):
    x = 5 + 3 * windows(number=20)
    steps = steps_of_windows(x.shape[1:], [5.0] * 120, [3.0] * 120)
    (network,) = features_of_windows(steps, x, [0.0])
    shares = network.get_layer("mini_rocket")((x - 5) / np.float32(3)).numpy()
    expected = (shares - shares.mean(0)) / (shares.std(0) + 0.03)
    expected /= np.sqrt((expected**2).sum(-1).mean())
    assert_close(network(x).numpy().mean(0), np.zeros(2016), scale=1.0, dtype=np.float32)
    assert_close(network(x).numpy(), expected, scale=np.max(1 / (shares.std(0) + 0.03)))
    assert_close(np.mean(network(x).numpy() ** 2) * 2016, 1.0, dtype=np.float32)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(x).numpy(), network(x).numpy())
