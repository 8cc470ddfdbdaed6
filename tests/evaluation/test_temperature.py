"""The temperature counts two answers more than were held out, beside a search by NumPy."""

import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from scipy.special import softmax

from tfmeta.evaluation.calibration import Answers, fitted


@pytest.mark.parametrize("wrong", [0, 2])
def test_a_right_and_a_wrong_answer_more_are_counted(wrong):
    """Where all are right, the likeliest temperature would be 0, and a wrong answer certain."""
    rng = np.random.default_rng(wrong)
    labels = rng.integers(0, 3, 20)
    logits = np.float32(3 * np.eye(3)[labels] + rng.normal(size=(20, 3)))
    labels = np.where(np.arange(20) < wrong, (logits.argmax(1) + 1) % 3, logits.argmax(1))

    def loss(temperature):
        chances = softmax(np.float64(logits) / temperature, 1)
        every = -np.log(chances)
        own = every[np.arange(20), labels]
        return own.sum() + own.mean() + (every.sum(1) - own).mean() / 2

    found = fitted(Answers(logits, labels, np.zeros((0, 3), np.float32))).temperature
    tried = np.geomspace(0.01, 100, 2001)
    likeliest = tried[np.argmin([loss(each) for each in tried])]
    assert_within_chance(np.log(found), np.log(likeliest), np.log(tried[1] / tried[0]))


def test_a_class_without_examples_changes_no_temperature():
    logits = np.random.default_rng(0).normal(size=(50, 3))
    labels = np.where(np.arange(50) < 40, logits.argmax(1), 0)
    wider = np.pad(logits, ((0, 0), (0, 2)), constant_values=-1e9)
    found = fitted(Answers(wider, labels, wider[:0])).temperature
    expected = fitted(Answers(logits, labels, logits[:0])).temperature
    assert_close(found, expected, dtype=np.float32)
