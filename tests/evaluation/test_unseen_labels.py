"""Features by a network that was fitted on labels say nothing of those that are held out."""

import numpy as np
import pytest
from closeness import assert_close

from tfmeta.evaluation.held_out import Head, best_head, held_out
from tfmeta.evaluation.leave_one_out_values import best_strength
from tfmeta.evaluation.left_out import left_out_logits, nearest_distances
from tfmeta.evaluation.unseen_labels import groups_of_blocks, groups_of_rows

RNG = np.random.default_rng(0)
LABELS = np.tile(np.arange(3), 20)  # which nothing but a leak tells
HEAD = Head("ridge", {"regularisation": 0.3}, remembers=True)


def leaking(rows):
    """Features that are the labels, but of examples whose labels are not to be seen."""
    features = np.eye(3)[LABELS] + 0.01 * RNG.normal(size=(60, 3))
    features[rows] = RNG.normal(size=(len(rows), 3))
    return features


@pytest.mark.parametrize("head", [HEAD, Head("prototypical")])
def test_a_label_does_not_tell_itself(head):
    assert held_out(leaking(np.arange(0)), LABELS, head).is_right.mean() == 1
    assert held_out(leaking, LABELS, head).is_right.mean() < 0.55  # a third by chance


def test_nor_does_a_value():
    values = RNG.normal(size=(60, 1))

    def features(rows):
        found = values.copy()
        found[rows] = RNG.normal(size=(len(rows), 1))
        return found

    assert best_strength(values, values).are_exact
    errors = best_strength(features, values).errors
    assert np.sqrt(np.mean(errors**2)) > 0.9 * values.std()


def test_each_example_is_answered_by_features_that_have_not_seen_its_label():
    asked = {}

    def features(rows):
        made = np.random.default_rng(len(asked)).normal(size=(60, 5))
        asked[tuple(rows)] = made
        return made

    found = held_out(features, LABELS, HEAD)
    assert len(asked) == 5 + 3  # groups of folds, and classes
    of_folds, of_classes = list(asked.items())[:5], list(asked.items())[5:]
    assert sorted(np.concatenate([rows for rows, _ in of_folds])) == list(range(60))
    rows, made = of_folds[0]
    for row in rows[:4]:
        index = np.flatnonzero(found.rows == row)[0]
        distance = nearest_distances(made, np.array([row]))
        assert found.answers.distances[index] == distance
    rows, made = of_classes[1]
    assert set(LABELS[list(rows)]) == {1}
    (logits,) = left_out_logits("ridge", made, LABELS, [np.array(rows)], regularisation=0.3)
    unknown = found.answers.unknown[LABELS == 1]
    assert_close(unknown[:, [0, 2]], logits[:, [0, 2]])


def test_of_features_that_know_no_label_all_are_in_one_group():
    features = np.zeros((7, 2))
    assert [rows.tolist() for rows in groups_of_rows(features, 7)] == [list(range(7))]
    assert len(list(groups_of_blocks(features, [np.arange(3), np.arange(3, 7)]))) == 1


def test_groups_hold_every_example_once():
    for number in (2, 7, 60):
        groups = groups_of_rows(leaking, number)
        assert len(groups) == min(5, number)
        assert sorted(np.concatenate(groups)) == list(range(number))
    blocks = [np.array([each]) for each in range(7)]
    groups = list(groups_of_blocks(leaking, blocks))
    assert [block[0] for group in groups for block in group] == list(range(7))
    assert len(groups) == 5


def test_the_best_head_is_chosen_by_unseen_labels_too():
    assert best_head(leaking(np.arange(0)), LABELS).is_right.all()
    assert best_head(leaking, LABELS).is_right.mean() < 0.55
