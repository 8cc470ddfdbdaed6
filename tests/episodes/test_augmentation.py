"""Augmentation: that an episode's number decides its draws, and what they leave as it is."""

import hashlib

import keras
import numpy as np
import pytest
from augmented import NOISE, OPTIONS, SHAPE, batch, examples, source_of
from closeness import assert_within_chance

from tfmeta.episodes.augmentation import build_augmentation
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.pipelines.sinusoid import Sinusoid

VARYING = EpisodeShape(Range(2, 4), Range(1, 3), Range(1, 3))


def test_an_episode_is_the_same_in_any_batch_from_any_number_on(images):
    layers = ["RandomFlip", {"RandomRotation": {"factor": 0.2}}, NOISE]
    whole = examples(batch(images, layers, num_tasks=12))
    for first, num_tasks in ((0, 1), (3, 4), (11, 1), (5, 7)):
        part = examples(batch(images, layers, first=first, num_tasks=num_tasks))
        np.testing.assert_array_equal(part, whole[first : first + num_tasks])


def test_the_seed_decides_the_draws(images):
    layers = [{name: OPTIONS[name]} for name in ("RandomRotation", "GaussianNoise")]
    for layer in layers:
        one, same, other = (examples(batch(images, [layer], seed=s)) for s in (0, 0, 1))
        np.testing.assert_array_equal(one, same)
        assert (one != other).any((-3, -2, -1)).all()


def test_a_dataset_goes_on_as_one_that_starts_later(images):
    built = build_augmentation([NOISE], images, seed=3)
    dataset = images.episodes("train", SHAPE, num_tasks=2, augmentation=built)
    batches = [examples(each) for each in dataset.take(3)]
    resumed = images.episodes("train", SHAPE, num_tasks=2, first=4, augmentation=built)
    np.testing.assert_array_equal(examples(next(iter(resumed))), batches[2])


def digest():
    """Which test_episodes.py compares with another process's."""
    layers = ["RandomFlip", {"RandomRotation": {"factor": 0.2}}, NOISE]
    x = examples(batch(source_of((8, 8, 1)), layers, seed=5))
    return hashlib.sha256(x.tobytes()).hexdigest()


# What each example gets


@pytest.mark.parametrize(
    "name", ["RandomTranslation", "RandomRotation", "RandomContrast", "GaussianNoise"]
)
def test_each_example_of_each_episode_has_a_draw_of_its_own(name):
    source = source_of((8, 8, 1), same=True)
    x = examples(batch(source, [{name: OPTIONS[name]}], num_tasks=5))
    assert len({each.tobytes() for each in x.reshape(-1, 64)}) == 5 * 9


@pytest.mark.slow
def test_each_example_has_operations_of_its_own():
    x = examples(batch(source_of((8, 8, 3), same=True), ["RandAugment"], num_tasks=5))
    assert len({each.tobytes() for each in x.reshape(-1, 192)}) > 15  # five, if a task's were one


def test_layers_have_draws_of_their_own():
    source = source_of((6, 3), same=True)
    once, twice = (examples(batch(source, [NOISE] * n)) - source.index.examples[0] for n in (1, 2))
    assert_within_chance(
        np.corrcoef(once.ravel(), (twice - once).ravel())[0, 1], 0, once.size**-0.5
    )
    noise = twice.ravel() / 0.1
    assert 1.2 < noise.std() < 1.6  # two of the same would add up to 2


def test_a_layer_that_takes_its_batch_together_gets_one_image_at_a_time(images):
    x, plain = examples(batch(images, ["Equalization"])), examples(batch(images))
    alone = keras.layers.Equalization(value_range=(0, 1))
    for before, after in zip(plain.reshape(-1, 8, 8, 1), x.reshape(-1, 8, 8, 1), strict=True):
        np.testing.assert_array_equal(alone(before[None])[0], after)


def test_labels_and_targets_are_untouched(images):
    augmented, plain = batch(images, [NOISE]), batch(images)
    np.testing.assert_array_equal(augmented.support_y, plain.support_y)
    np.testing.assert_array_equal(augmented.query_y, plain.query_y)
    shape = EpisodeShape(1, 5, 5)
    waves, plain = batch(Sinusoid(), [NOISE], shape=shape), batch(Sinusoid(), shape=shape)
    np.testing.assert_array_equal(waves.query_y, plain.query_y)
    assert 0.03 < (examples(waves) - examples(plain)).std() < 0.3


def test_images_stay_between_0_and_1_and_vectors_need_not(images):
    loud = [{"GaussianNoise": {"stddev": 1.0}}]
    x = examples(batch(images, loud))
    assert (x.min(), x.max()) == (0, 1)
    assert examples(batch(source_of((6, 3)), loud)).max() > 1


def test_padding_stays_padding(images):
    augmented = batch(images, [NOISE], shape=VARYING, num_tasks=8)
    plain = batch(images, shape=VARYING, num_tasks=8)
    for name in ("support_y", "query_y", "support_size", "query_size"):
        np.testing.assert_array_equal(getattr(augmented, name), getattr(plain, name))
    assert plain.support_size.min() < plain.support_x.shape[1]
    for name in ("support", "query"):
        x, before = getattr(augmented, f"{name}_x"), getattr(plain, f"{name}_x")
        for task, size in enumerate(getattr(plain, f"{name}_size")):
            assert (x[task, size:] == 0).all()
            assert all((a != b).any() for a, b in zip(x[task, :size], before[task], strict=False))


def test_a_value_range_is_the_users_if_there_is_one(images):
    option = {"factor": [0.5, 0.5], "value_range": [0, 0.25]}
    brighter = examples(batch(images, [{"RandomBrightness": option}]))
    assert brighter.max() == 0.25
    assert examples(batch(images, [{"RandomBrightness": {"factor": [0.5, 0.5]}}])).max() == 1
