"""Leaving one example out, in closed form and as it is said: by learning from all others."""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta.evaluation.leave_one_out import Head, best_head, heads_for, held_out
from tfmeta.learners import find

RNG = np.random.default_rng(3)
LABELS = np.repeat(np.arange(4), [5, 4, 3, 1])
CENTRES = RNG.normal(size=(4, 12))
FEATURES = np.float32(CENTRES[LABELS] + RNG.normal(size=(len(LABELS), 12)))
EACH = pytest.mark.parametrize("head", heads_for(len(LABELS)), ids=str)


def answer(head, x, y, query_x):
    """Of the learner itself."""
    inputs = keras.Input((12,))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    learner = find(head.algorithm).load()(network, **head.options)
    return learner.predict_with(learner.adapt(x, y), query_x).numpy()


@EACH
def test_the_closed_form_is_what_the_learner_says_without_the_example(head):
    found = held_out(FEATURES, LABELS, head)
    assert found.rows.tolist() == list(range(12))  # the last one is alone in its class
    for position, row in enumerate(found.rows):
        others = np.arange(len(LABELS)) != row
        expected = answer(head, FEATURES[others], LABELS[others], FEATURES[row : row + 1])
        assert_close(found.answers.known[position], expected[0])


@EACH
def test_the_closed_form_is_what_the_learner_says_without_the_class(head):
    found = held_out(FEATURES, LABELS, head)
    for label in range(4):
        rows = np.flatnonzero(label == LABELS)
        others = label != LABELS
        expected = answer(head, FEATURES[others], LABELS[others], FEATURES[rows])
        kept = np.arange(expected.shape[1]) != label
        received = found.answers.unknown[rows][:, : expected.shape[1]]
        assert_close(received[:, kept], expected[:, kept])
        assert (found.answers.unknown[rows, label] < -1e8).all()


def test_the_best_head_is_the_one_whose_answers_are_the_likeliest():
    tried = {str(head): held_out(FEATURES, LABELS, head).loss for head in heads_for(len(LABELS))}
    assert str(best_head(FEATURES, LABELS).head) == min(tried, key=tried.get)


def test_two_classes_have_no_unknown_ones():
    few = LABELS < 2
    assert not len(held_out(FEATURES[few], LABELS[few], Head("prototypical")).answers.unknown)
