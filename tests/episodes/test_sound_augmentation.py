"""Augmentation of spectrograms, beside NumPy and by its statistics."""

import numpy as np
import pytest
from closeness import assert_at_most, assert_close, assert_uniform, assert_within_chance
from recordings import make_sounds

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.mel_noise import MelNoise
from tfmeta.episodes.spec_augment import SpecAugment
from tfmeta.errors import UserError
from tfmeta.pipelines import build

MASKS, NOISE = "tfmeta.episodes.spec_augment:SpecAugment", "tfmeta.episodes.mel_noise:MelNoise"


def test_masks_are_whole_stretches_of_time_and_bands_of_frequency():
    x = np.ones((400, 40, 30, 1), np.float32)
    found = np.asarray(SpecAugment(0.3, 0.2)(x, training=True))[..., 0]
    times, bands = 1 - found.max(2), 1 - found.max(1)
    np.testing.assert_array_equal(found, (1 - times)[:, :, np.newaxis] * (1 - bands)[:, np.newaxis])
    for masks, share in ((times, 0.3), (bands, 0.2)):
        widths = masks.sum(1)
        assert widths.max() <= share * masks.shape[1] + 1
        begins = np.diff(np.pad(masks, ((0, 0), (1, 0))), axis=1) == 1
        assert begins.sum(1).max() == 1  # one stretch
        error = share / 12**0.5 / len(x) ** 0.5
        assert_within_chance(widths.mean() / masks.shape[1], share / 2, error)
    np.testing.assert_array_equal(SpecAugment()(x, training=False), x)


def test_noise_has_its_level_and_adds_its_power():
    silence = np.full((4000, 3, 5, 1), -2.0, np.float32)
    layer = MelNoise(30, 30, range_db=60, value_range=(-2.0, 2.0))
    power = 10 ** (1.5 * (np.asarray(layer(silence, training=True), np.float64) - 2))
    # Exponentially distributed around a thousandth of the loudest band, over the silence.
    assert_within_chance(power.mean(), 1e-3 + 1e-6, 1e-3 / power.size**0.5)
    assert_uniform(np.exp(-(power - 1e-6).ravel() / 1e-3).clip(0, 1), 0, 1)
    loud = np.full((10, 3, 5, 1), 2.0, np.float32)
    heard = np.asarray(MelNoise(200, 200, value_range=(-2.0, 2.0))(loud, training=True))
    assert_close(heard, loud)
    layer = MelNoise(60, 20, value_range=(-60.0, 0.0))
    levels = layer(np.full((2000, 20, 20, 1), -200.0, np.float32), training=True)
    means = 10 * np.log10(np.mean(10 ** (np.asarray(levels, np.float64) / 10), (1, 2, 3)))
    # A mean of 400 draws is within 0.9 dB of their level, four times its standard error.
    assert_at_most(means, -20 + 0.9)
    assert_at_most(-means, 60 + 0.9)


def test_episodes_of_sounds_take_them_and_stay_in_range(tmp_path):
    source = build("audio-folder", data_dir=str(make_sounds(tmp_path)))
    layers = [
        {"RandomTranslation": {"height_factor": 0.1, "width_factor": 0.0}},
        {NOISE: {"loudest": 10}},
        MASKS,
    ]
    augmentation = build_augmentation(layers, source, seed=0)
    shape = EpisodeShape(3, 1, 2)
    plain, one, again = (
        next(iter(source.episodes("train", shape, num_tasks=4, augmentation=each)))
        for each in (None, augmentation, augmentation)
    )
    np.testing.assert_array_equal(one.query_x, again.query_x)
    assert np.mean(one.query_x.numpy() != plain.query_x.numpy()) > 0.5
    least, most = source.input_format.value_range
    assert_at_most(one.query_x.numpy(), most)
    assert_at_most(-one.query_x.numpy(), -least)
    for options, message in (
        ({MASKS: {"time": 2}}, "expected shares from 0 to 1"),
        ({NOISE: {"loudest": 70}}, "expected 0 <= loudest <= quietest"),
    ):
        with pytest.raises(UserError, match=message):
            build_augmentation([options], source, seed=0)
