"""The answers that an evaluator keeps are those of Keras's `predict`, without padding."""

import keras
import numpy as np
import pytest

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.evaluator import Evaluator

SHAPES = [EpisodeShape(3, 2, 4), EpisodeShape(Range(2, 4), 2, Range(1, 3))]


@pytest.fixture(scope="module")
def learner():
    keras.utils.set_random_seed(1)
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=4, num_blocks=1)
    return tfmeta.Prototypical(network)


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_those_of_keras(shape, learner, tiny_source):
    fixed = FixedEpisodes(tiny_source, shape, num_tasks=12)
    found = Evaluator(learner, fixed, keeps_answers=True).measure()
    assert len(found.answers) == len(found.targets) == 12
    numbers = iter(range(12))
    for batch in fixed.batches(4):
        outputs = learner.predict_on_batch(batch)
        for task, right in zip(outputs, batch.query_y.numpy(), strict=True):
            number, is_query = next(numbers), right >= 0
            np.testing.assert_array_equal(found.targets[number], right[is_query])
            same = found.answers[number].argmax(-1) == task[is_query].argmax(-1)
            assert same.all()
            accuracy = (found.answers[number].argmax(-1) == found.targets[number]).mean()
            assert np.float32(accuracy) == np.float32(found.task_scores[number])


def test_they_are_left_out_unless_asked_for(learner, tiny_source):
    fixed = FixedEpisodes(tiny_source, EpisodeShape(2, 1, 1), num_tasks=2)
    found = Evaluator(learner, fixed).measure()
    assert found.answers == found.targets == ()
    assert found.curves.shape == (2, 1)
