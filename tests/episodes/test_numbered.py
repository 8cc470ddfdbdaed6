"""Episodes that have the numbers of their examples in place of these."""

import numpy as np
import pytest

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.pipelines import build


def parts(batch):
    return [np.asarray(tensor) for tensor in batch]


@pytest.mark.parametrize("shape", [EpisodeShape(3, 2, 4), EpisodeShape(3, Range(1, 2), 4)])
def test_the_numbers_are_those_of_the_examples(tiny_source, shape):
    examples, numbers = (
        parts(next(iter(source.episodes("test", shape, seed=5, num_tasks=6))))
        for source in (tiny_source, tiny_source.numbered())
    )
    assert len(examples) == len(numbers)
    for part in (0, 2):
        labels = examples[part + 1]
        is_example = labels >= 0  # the others are padding
        np.testing.assert_array_equal(numbers[part + 1], labels)
        pixels = tiny_source.index.examples[numbers[part][..., 0][is_example]]
        np.testing.assert_array_equal(
            np.float32(pixels) * np.float32(1 / 255), examples[part][is_example]
        )


def test_classes_that_are_turned_have_the_numbers_of_their_examples_too(tiny_source):
    turned = ClassSource("turned", tiny_source.index, rotations=True)
    shape = EpisodeShape(12, 1, 1)
    episodes = parts(next(iter(turned.episodes("test", shape, num_tasks=2))))
    numbers = parts(next(iter(turned.numbered().episodes("test", shape, num_tasks=2))))
    images = np.float32(tiny_source.index.examples[numbers[0][..., 0]]) * np.float32(1 / 255)
    ways = [np.rot90(images, turns, (2, 3)) for turns in range(4)]
    same = np.stack([(each == episodes[0]).all((2, 3, 4)) for each in ways])
    assert same.any(0).all()
    assert same[1:].any()  # and some are turned


def test_an_endless_family_has_none():
    assert build("sinusoid").numbered() is None
