"""How many batches are drawn before they are asked for: few large ones, which take the memory."""

import time

import pytest
import tensorflow as tf

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines import build

EXAMPLES, BYTES = 100, 8  # of an episode; of an example of the sinusoid, x and y in float32


def drawn_ahead(megabytes):
    """How many batches of this size are begun after the first, while that is used."""
    begun = []

    def starts():
        while True:
            begun.append(len(begun))
            yield begun[-1]

    numbers = tf.data.Dataset.from_generator(starts, output_signature=tf.TensorSpec((), tf.int64))
    shape = EpisodeShape(num_ways=1, num_shots=EXAMPLES // 2, num_queries=EXAMPLES // 2)
    num_tasks = int(megabytes * 2**20) // (EXAMPLES * BYTES)
    batches = build("sinusoid").episodes_at(numbers, "train", shape, seed=0, num_tasks=num_tasks)
    iterator = iter(batches)
    next(iterator)
    seen = 0
    while len(begun) != seen:  # until no more is drawn
        seen = len(begun)
        time.sleep(0.3)
    return seen - 1


@pytest.mark.fault("a meta-batch of hundreds of tasks", "fewer batches of episodes wait in memory")
def test_few_large_batches_are_drawn_ahead():
    small, middle, large = map(drawn_ahead, (0.5, 2, 8))
    assert small - large == 4  # `prefetch` in addition to the two that are drawn at once
    assert middle - large == 2
    assert large <= 3  # one of them is only asked for
