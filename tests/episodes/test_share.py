"""Which episodes of a batch each reader draws, where several readers share it out."""

import numpy as np
import pytest

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.share import WHOLE, Share

META_BATCH, FIRST, STEPS = 12, 24, 3


@pytest.mark.parametrize(
    ("replicas", "readers"), [(1, 1), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2), (6, 3)]
)
def test_each_episode_of_a_step_goes_to_one_replica(replicas, readers):
    count = replicas // readers
    tasks = META_BATCH // replicas
    for step in range(STEPS):
        drawn = []
        for reader in range(readers):
            share = Share(replicas, reader * count, count)
            assert share.tasks(META_BATCH) == tasks
            starts = list(share.starts(FIRST, META_BATCH).take(STEPS * count).as_numpy_iterator())
            for start in starts[step * count : (step + 1) * count]:
                drawn += range(start, start + tasks)
        first = FIRST + step * META_BATCH
        assert drawn == list(range(first, first + META_BATCH))  # also in their order


def test_a_share_of_the_batches_is_a_part_of_the_whole_ones(tiny_source):
    shape, tasks = EpisodeShape(2, 1, 1), 4

    def batches(share):
        starts = share.starts(0, tasks)
        drawn = tiny_source.episodes_at(
            starts, "train", shape, seed=3, num_tasks=share.tasks(tasks)
        )
        return list(drawn.take(4).as_numpy_iterator())

    whole, second = batches(WHOLE), batches(Share(2, 1, 1))
    for all_tasks, part in zip(whole, second, strict=True):
        for expected, received in zip(all_tasks, part, strict=True):
            np.testing.assert_array_equal(received, expected[2:])
