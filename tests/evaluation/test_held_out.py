"""Holding examples out, in closed form and as it is said: by learning from the others."""

import keras
import numpy as np
import pytest
from closeness import assert_close
from scipy.special import softmax
from sklearn.metrics import log_loss

from tfmeta.evaluation.calibration import Answers, fitted
from tfmeta.evaluation.held_out import Head, best_head, folds_of, heads_for, held_out
from tfmeta.learners import find

RNG = np.random.default_rng(3)
LABELS = np.repeat(np.arange(4), [5, 4, 3, 1])
UNITS = 12
CENTRES = RNG.normal(size=(4, UNITS))
FEATURES = np.float32(CENTRES[LABELS] + RNG.normal(size=(len(LABELS), UNITS)))
HEADS = heads_for(LABELS, UNITS)
EACH = pytest.mark.parametrize("head", HEADS, ids=str)


def answer(head, x, y, query_x):
    """Of the learner itself."""
    inputs = keras.Input(x.shape[1:])
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    learner = find(head.algorithm).load()(network, **head.options)
    return learner.predict_with(learner.adapt(x, y), query_x).numpy()


@EACH
@pytest.mark.parametrize("units", [4, UNITS, 37], ids=["few", "some", "many"])
def test_the_answers_are_what_the_learner_says_without_the_examples(head, units):
    """Few are less than the examples of a class, many more than all examples."""
    more = np.float32(RNG.normal(size=(len(LABELS), max(0, units - UNITS))) / 9)
    features = np.hstack([FEATURES, more])[:, :units]
    found = held_out(features, LABELS, head)
    assert found.rows.tolist() == list(range(12))  # the last one is alone in its class
    for rows in folds_of(LABELS):
        others = ~np.isin(np.arange(len(LABELS)), rows)
        expected = answer(head, features[others], LABELS[others], features[rows])
        assert_close(found.answers.known[rows], expected, dtype=np.float32)


@pytest.mark.parametrize("counts", [[5, 4, 3, 1], [60, 2, 45], [2, 2]])
def test_one_example_of_each_class_is_held_out_at_a_time(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    folds = list(folds_of(labels))
    assert len(folds) == min(max(counts), 20)
    rows = np.sort(np.concatenate(folds))
    assert rows.tolist() == np.flatnonzero(np.array(counts)[labels] > 1).tolist()
    for fold in folds:
        held = np.bincount(labels[fold], minlength=len(counts))
        assert (held <= np.ceil(np.array(counts) / len(folds))).all()
        assert (held < counts).all()


@EACH
def test_the_unknown_answers_are_what_the_learner_says_without_the_class(head):
    found = held_out(FEATURES, LABELS, head)
    for label in range(4):
        rows = np.flatnonzero(label == LABELS)
        others = label != LABELS
        expected = answer(head, FEATURES[others], LABELS[others], FEATURES[rows])
        kept = np.arange(expected.shape[1]) != label
        received = found.answers.unknown[rows][:, : expected.shape[1]]
        assert_close(received[:, kept], expected[:, kept])
        assert (found.answers.unknown[rows, label] < -1e8).all()


def test_of_many_examples_a_fifth_is_held_out_at_a_time():
    labels = np.repeat(np.arange(3), [4000, 97, 2])
    folds = list(folds_of(labels))
    assert sorted(np.bincount(labels[fold], minlength=3)[:2].tolist() for fold in folds) == [
        *[[800, 19]] * 3,
        *[[800, 20]] * 2,
    ]
    assert "ridge" in {head.algorithm for head in heads_for(labels, UNITS)}


def test_a_thousand_examples_choose_a_head_that_then_answers_all():
    labels = np.repeat(np.arange(3), [2400, 100, 2])
    features = np.random.default_rng(2).normal(size=(3, UNITS))[labels] / 3
    features += np.random.default_rng(0).normal(size=features.shape)
    found = best_head(features, labels)
    assert found.rows.tolist() == list(range(len(labels)))
    first, second, *_ = folds_of(labels)
    chosen = np.concatenate([first, second])
    assert len(chosen) >= 1000 > len(first)

    def loss(head):
        logits = held_out(features, labels, head).answers.known[chosen]
        answers = Answers(logits, labels[chosen], logits[:0])
        probabilities = softmax(logits / fitted(answers).temperature, 1)
        return log_loss(labels[chosen], probabilities, labels=range(3))

    assert str(found.head) == str(min(heads_for(labels, UNITS), key=loss))


@pytest.mark.parametrize(
    ("examples", "classes", "units"), [(10_003, 77, 384), (3_000, 150, 384), (10_000, 10, 1280)]
)
def test_logistic_regression_is_tried_on_thousands_of_examples(examples, classes, units):
    """Of texts and photographs; BANKING77 is the first."""
    heads = heads_for(np.arange(examples) % classes, units)
    assert {head.called for head in heads} == {"", "logistic regression"}


def test_the_best_head_is_the_one_whose_answers_are_the_likeliest():
    tried = {str(head): held_out(FEATURES, LABELS, head).loss for head in HEADS}
    assert str(best_head(FEATURES, LABELS).head) == min(tried, key=tried.get)


def test_of_two_classes_too_each_is_left_out():
    few = LABELS < 2
    found = held_out(FEATURES[few], LABELS[few], Head("prototypical"))
    assert len(found.answers.unknown) == few.sum()
    assert not found.confidence.unknown_is_doubt


def test_distances_are_those_that_the_learner_measures_without_the_example_or_its_class():
    found = held_out(FEATURES, LABELS, Head("ridge", {"regularisation": 0.3}, remembers=True))
    inputs = keras.Input((UNITS,))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    learner = find("ridge").load()(network, remembers=True)
    rows = np.arange(len(LABELS))
    without = [*(rows != row for row in found.rows), *(LABELS[row] != LABELS for row in rows)]
    asked = [*found.rows, *rows]
    expected = [
        learner.distance_with(
            learner.adapt(FEATURES[others], renumbered(LABELS[others])), FEATURES[[row]]
        ).numpy()[0]
        for row, others in zip(asked, without, strict=True)
    ]
    assert_close(found.answers.distances, expected, scale=1.0)


def test_a_head_remembers_what_an_export_has_room_for(monkeypatch):
    found = best_head(FEATURES, LABELS)
    assert found.head.remembers
    assert found.confidence.of_distance > 0
    monkeypatch.setattr("tfmeta.evaluation.held_out._MOST_REMEMBERED", FEATURES.size - 1)
    found = best_head(FEATURES, LABELS)
    assert not found.head.remembers
    assert found.answers.distances is None
    assert found.confidence.of_distance == 0


def renumbered(labels):
    return np.unique(labels, return_inverse=True)[1].astype(np.int32)
