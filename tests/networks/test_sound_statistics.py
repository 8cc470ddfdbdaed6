"""The statistics of sounds, beside NumPy in loops, and what a head compares of them."""

import keras
import numpy as np
import pytest
import scipy.fft
from closeness import assert_close

from tfmeta.networks.mlp import mlp
from tfmeta.networks.sound_features import (
    heard_features,
    speech_and_statistics,
    statistics_telling_apart,
)
from tfmeta.networks.sound_statistics import SoundStatistics
from tfmeta.networks.table_features import TableNetworks

SHARE = 0.6


def sounds(mels=24):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 30, mels, 1)).astype(np.float32)
    x[1, :10], x[2, 3:] = -4, -4  # silence before and after a sound
    return x


def slopes(frames):
    """Of the lines through five frames each, by least squares."""
    found = np.zeros_like(frames)
    for middle in range(2, len(frames) - 2):
        found[middle] = np.polyfit(np.arange(5), frames[middle - 2 : middle + 3], 1)[0]
    return found


def by_hand(x, coefficients, of_whole):
    rows = []
    for spectrogram in x[..., 0].astype(np.float64):
        loudest = spectrogram.max(1)
        threshold = loudest.max() - SHARE * (loudest.max() - spectrogram.min())
        heard = loudest >= threshold
        frames = scipy.fft.dct(spectrogram, norm="ortho")[:, 1 : coefficients + 1]
        loudness = spectrogram.mean(1, keepdims=True)
        place = (np.arange(heard.sum()) + 0.5) / heard.sum()
        row = []
        for middle in (np.arange(4) + 0.5) / 4:
            weights = np.maximum(0, 1 - abs(place - middle) * 4) + 1e-3
            part = frames[heard][:, : min(12, coefficients)]
            row.append((part * weights[:, np.newaxis]).sum(0) / weights.sum())
        row += [frames[heard].std(0), slopes(frames)[heard].std(0), [heard.mean()]]
        row += [loudness.std(0), loudness[heard].std(0), slopes(loudness)[heard].std(0)]
        row += [frames[heard].mean(0)] * of_whole
        rows.append(np.concatenate(row))
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("mels", "coefficients", "of_whole"), [(24, 20, False), (9, 8, False), (24, 20, True)]
)
def test_the_statistics_are_those_by_hand(mels, coefficients, of_whole):
    x, layer = sounds(mels), SoundStatistics(SHARE, of_whole=of_whole)
    expected = by_hand(x, coefficients, of_whole)
    assert_close(layer(x).numpy(), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    again = SoundStatistics.from_config(layer.get_config())
    assert_close(again(x).numpy(), expected)


def test_a_sound_of_less_than_five_frames_does_not_change():
    x = sounds()[:, 10:14]
    found = SoundStatistics(SHARE)(x).numpy()
    assert (found[:, 68:88] == 0).all()
    assert np.isfinite(found).all()


def test_a_head_compares_statistics_as_a_table_and_speech_at_twice_the_length():
    rows = np.random.default_rng(0).normal(3, [1.0] * 5 + [4.0] * 3, (40, 8)).astype(np.float32)
    rows[:, 2] = 7  # says nothing
    deviation = np.where(np.arange(5) == 2, 1, rows[:, :5].std(0))
    scaled = ((rows[:, :5] - rows[:, :5].mean(0)) / deviation).astype(np.float32)
    as_table = TableNetworks(mlp((5,), None, units=()), scaled).alike()(scaled).numpy()
    roots = np.sign(rows[:, 5:]) * np.sqrt(np.abs(rows[:, 5:]))
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    unit = as_table / np.linalg.norm(as_table, axis=1, keepdims=True)
    expected = np.concatenate([0.5 * unit, roots], 1)
    assert_close(speech_and_statistics(rows, 5)(rows).numpy(), expected)


def test_statistics_alone_are_compared_as_the_rows_of_a_table():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 10)
    rows = np.float32(rng.normal(5, 3, (20, 6)) + labels[:, np.newaxis] * [4, 0, 0, 0, 0, 0])
    scaled = np.float32((rows - rows.mean(0)) / rows.std(0))
    seen = np.arange(1, 19)
    made = TableNetworks(mlp((6,), None, units=()), scaled).telling_apart(labels, seen)
    found = statistics_telling_apart(rows, labels, seen)(rows)
    assert_close(found.numpy(), made(scaled).numpy(), roundings=64)


def test_the_networks_can_be_saved(tmp_path):
    network, number = heard_features((30, 24, 1), has_speech=False)
    assert number == network.output_shape[1] == 112
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert_close(again(sounds()).numpy(), network(sounds()).numpy())
