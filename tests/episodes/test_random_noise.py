"""Noise of a deviation that each example draws, by its statistics and in episodes."""

import numpy as np
import pytest
from closeness import assert_uniform, assert_within_chance

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.random_noise import RandomNoise
from tfmeta.errors import UserError
from tfmeta.pipelines import build

NAME = "tfmeta.episodes.random_noise:RandomNoise"


def test_each_example_has_its_own_deviation_up_to_the_most():
    x = np.full((2000, 40, 40, 1), 0.5, np.float32)
    noise = np.asarray(RandomNoise(0.3, value_range=(-1, 1))(x, training=True)) - x
    deviations = noise.std((1, 2, 3))
    # The deviation of 1600 draws may be a little above that which they are drawn with.
    assert_uniform(np.minimum(deviations / 0.6, 1), 0, 1)
    scaled = noise / deviations[:, np.newaxis, np.newaxis, np.newaxis]
    assert_within_chance((np.abs(scaled) < 1).mean(), 0.682689, 0.465 / scaled.size**0.5)
    np.testing.assert_array_equal(RandomNoise()(x, training=False), x)


def test_episodes_have_it_and_repeat_it():
    source, shape = build("glyphs"), EpisodeShape(3, 1, 2)
    augmentation = build_augmentation([{NAME: {"most": 0.2}}], source, seed=0)
    plain, one, again = (
        next(iter(source.episodes("train", shape, num_tasks=2, augmentation=each)))
        for each in (None, augmentation, augmentation)
    )
    for field in ("support_x", "query_x"):
        arrays = [getattr(each, field).numpy() for each in (plain, one, again)]
        assert (arrays[0] != arrays[1]).any()
        np.testing.assert_array_equal(arrays[1], arrays[2])
        assert arrays[1].min() >= 0
        assert arrays[1].max() <= 1
    with pytest.raises(UserError, match=r"received most=0; expected a share above 0"):
        build_augmentation([{NAME: {"most": 0}}], source, seed=0)
