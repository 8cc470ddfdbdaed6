"""Figures of windows beside NumPy's, window by window, and beside MiniRocket's features."""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.networks.window_features import features_of_windows, steps_of_windows
from tfmeta.networks.window_figures import WindowFigures


def windows(number=5, time=21, channels=3):
    rng = np.random.default_rng(0)
    level = rng.normal(size=(number, 1, channels))
    return np.float32(level + rng.normal(size=(number, time, channels)).cumsum(1) / 4)


def by_hand(window):
    """The figures of one window, in float64."""
    x = np.float64(window)
    change = np.diff(x, axis=0)
    order = np.sort(x, 0)
    kinds = [x.mean(0), x.std(0), x.min(0), x.max(0)]
    kinds += [order[int(share * len(x))] for share in (0.25, 0.5, 0.75)]
    kinds += [change.std(0), np.abs(change).mean(0), change.min(0), change.max(0)]
    scaled = (x - x.mean(0)) / (x.std(0) + 1e-3)
    kinds.append((scaled[1:] * scaled[:-1]).mean(0))
    above = np.triu_indices(x.shape[1], 1)
    if x.shape[1] <= 16:
        kinds.append((scaled.T @ scaled / len(x))[above])
    return np.concatenate(kinds)


@pytest.mark.parametrize("channels", [1, 3, 16, 17])
def test_figures_are_those_of_numpy(channels):
    x = windows(channels=channels)
    layer = WindowFigures()
    found = layer(x).numpy()
    assert_close(found, np.float32([by_hand(window) for window in x]))
    assert found.shape == layer.compute_output_shape(x.shape)


def test_after_fit_they_are_centred_and_scaled_and_cut_far_from_all_that_were_seen():
    x = windows(number=8)
    x[:, :, 1] = 0.5  # whose figures do not differ
    layer = WindowFigures()
    layer(x)
    layer.fit(x)
    figures = np.array([by_hand(window) for window in x])
    deviation = np.where(np.ptp(figures, 0) > 0, figures.std(0), 1)
    assert_close(layer(x).numpy(), np.float32((figures - figures.mean(0)) / deviation))
    assert np.abs(layer(1e4 * x).numpy()).max() == 5


def test_a_channel_that_stands_still_has_no_correlation():
    x = windows()
    x[:, :, 1] = 0.5
    found = WindowFigures()(x).numpy().reshape(len(x), -1)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, [34, 36, 38]], 0.0)  # with itself, and both others


def test_features_stand_beside_each_other_in_lengths_as_given(tmp_path):
    x = windows(number=20, time=40)
    steps = steps_of_windows(x.shape[1:], x.mean(0).ravel().tolist(), [2.0] * 120)
    alone, beside = features_of_windows(steps, x, [0.0, 0.5])
    shares, both = alone(x).numpy(), beside(x).numpy()
    assert_close(both[:, : shares.shape[1]], shares)
    of_figures = both[:, shares.shape[1] :]
    assert_close(np.sqrt((of_figures**2).sum(-1).mean()), 0.5, dtype=np.float32)
    beside.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(x).numpy(), both)


def test_a_level_is_told_apart_which_convolutions_that_sum_to_zero_miss():
    """Two positions of a wrist: the same movements around another level."""
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(scale=0.5, size=(40, 50, 1)) + np.arange(40).reshape(-1, 1, 1) % 2)
    steps = steps_of_windows((50, 1), [0.5] * 50, [1.0] * 50)
    alone, beside = (each(x).numpy() for each in features_of_windows(steps, x, [0.0, 1.0]))
    pairs = [
        (np.cov(each.T), np.square(each[::2].mean(0) - each[1::2].mean(0)).sum())
        for each in (alone, beside)
    ]
    spread = [apart / np.trace(cov) for cov, apart in pairs]
    assert spread[1] > 2 * spread[0]
