"""The episodes of an evaluation: the same ones each time, from a dataset that is traced once."""

import pytest
from closeness import assert_far_apart
from drawn_episodes import same

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes

SHAPE = EpisodeShape(3, 1, 2)


@pytest.fixture
def traced(monkeypatch):
    """A list with the seed of each dataset that is traced."""
    seeds, draw = [], ClassSource.draw

    def counted(source, split, shape, seed):
        seeds.append(seed)
        return draw(source, split, shape, seed)

    monkeypatch.setattr(ClassSource, "draw", counted)
    return seeds


def test_a_second_validation_traces_nothing_and_sees_the_same_episodes(tiny_source, traced):
    fixed = FixedEpisodes(tiny_source, SHAPE, num_tasks=8)
    first, again = (list(fixed.batches(4)) for _ in range(2))
    assert traced == [0]
    assert len(first) == len(again) == 2
    assert all(same(one, two) for one, two in zip(first, again, strict=True))
    expected = tiny_source.episodes("test", SHAPE, seed=0, num_tasks=4)
    assert all(same(one, two) for one, two in zip(first, expected, strict=False))


def test_other_sizes_sources_and_seeds_have_datasets_of_their_own(tiny_source, traced):
    fixed = FixedEpisodes(tiny_source, SHAPE, num_tasks=8)
    (of_eight,), of_four = fixed.batches(8), list(fixed.batches(4))
    assert len(of_eight.support_x) == 8 == 2 * len(of_four[0].support_x)
    given = list(fixed.batches(4, tiny_source))
    assert same(given[0], of_four[0])
    other = next(FixedEpisodes(tiny_source, SHAPE, num_tasks=8, seed=1).batches(8))
    assert_far_apart(other.support_x, of_eight.support_x)
    assert traced == [0, 0, 0, 1]
