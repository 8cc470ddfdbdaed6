"""Examples of one group, such as one person, are held out together."""

import numpy as np
import pytest
from closeness import assert_close
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from tfmeta.evaluation.folds import folds_of
from tfmeta.evaluation.held_out import Head, best_head, heads_for, held_out
from tfmeta.evaluation.leave_one_out_values import best_strength, held_out_values
from tfmeta.evaluation.left_out import left_out_logits
from tfmeta.evaluation.unseen_labels import GROUPS, groups_of_rows

RNG = np.random.default_rng(5)
LABELS = np.repeat(np.arange(3), 12)
PERSONS = np.tile(np.repeat(np.arange(4), 3), 3)


def test_a_group_is_in_one_fold():
    folds = folds_of(LABELS, PERSONS)
    assert sorted(PERSONS[rows[0]] for rows in folds) == [0, 1, 2, 3]
    for rows in folds:
        assert rows.tolist() == np.flatnonzero(PERSONS[rows[0]] == PERSONS).tolist()


def test_many_groups_share_folds():
    labels, groups = np.tile(np.arange(2), 60), np.repeat(np.arange(60), 2)
    folds = folds_of(labels, groups)
    assert len(folds) == 20
    assert np.sort(np.concatenate(folds)).tolist() == list(range(120))
    assert all(len(set(groups[rows])) == 3 for rows in folds)


def test_a_class_of_one_group_stays():
    """Without it, the others' answers would be those of a model that lacks a class."""
    groups = np.where(LABELS == 2, 7, PERSONS)
    rows = np.sort(np.concatenate(folds_of(LABELS, groups)))
    assert rows.tolist() == np.flatnonzero(LABELS < 2).tolist()
    assert folds_of(LABELS, LABELS) == []


def test_the_answers_are_by_the_others_of_other_groups():
    features = np.float32(np.eye(3)[LABELS] + RNG.normal(size=(36, 3)) / 3)
    found = held_out(
        features, LABELS, Head("ridge", {"regularisation": 0.3}, remembers=True), PERSONS
    )
    for person in range(4):
        rows = np.flatnonzero(person == PERSONS)
        (expected,) = left_out_logits(
            "ridge", np.float64(features), LABELS, [rows], regularisation=0.3
        )
        assert_close(found.answers.known[rows], expected)
        units = features / np.linalg.norm(features, axis=1, keepdims=True)
        squares = ((units[rows, np.newaxis] - units[person != PERSONS]) ** 2).sum(-1)
        assert_close(found.answers.distances[rows], squares.min(1), dtype=np.float32)


def test_what_tells_persons_does_not_choose_the_head():
    """Each person has a way of their own, which says the class of this person's examples alone."""
    ways = RNG.normal(size=(4, 3, 8))
    features = np.float32(ways[PERSONS, LABELS] + RNG.normal(size=(36, 8)) / 20)
    assert best_head(features, LABELS).is_right.mean() > 0.9
    assert best_head(features, LABELS, PERSONS).is_right.mean() < 0.6
    assert heads_for(LABELS, 8, PERSONS) == heads_for(LABELS, 8)


@pytest.mark.parametrize("strength", [0.3, 30.0])
def test_values_are_answered_by_rows_of_other_groups(strength):
    """A constant feature that is shrunk too is what the intercept is here."""
    x = RNG.normal(size=(36, 5))
    y = x @ RNG.normal(size=(5, 2)) + RNG.normal(size=(4, 2))[PERSONS]
    with_constant = np.hstack([x, np.ones((36, 1))])
    ridge = Ridge(alpha=strength, fit_intercept=False)
    expected = cross_val_predict(
        clone(ridge), with_constant, y, groups=PERSONS, cv=LeaveOneGroupOut()
    )
    found = held_out_values(x, y, strength, PERSONS)
    assert_close(found.errors, expected - y)
    for person in range(4):
        others = with_constant[person != PERSONS]
        known = np.linalg.inv(others.T @ others + strength * np.eye(6))
        own = with_constant[person == PERSONS]
        variances = 1 + np.einsum("ni,ij,nj->n", own, known, own)
        assert_close(found.variances[person == PERSONS], variances[:, np.newaxis] * found.noise)


def test_the_strength_is_chosen_for_new_groups():
    x = np.hstack([np.eye(4)[PERSONS], RNG.normal(size=(36, 2))])
    y = RNG.normal(size=(4, 1))[PERSONS] + RNG.normal(size=(36, 1)) / 9
    alone, together = best_strength(x, y), best_strength(x, y, PERSONS)
    assert together.strength > 10 * alone.strength
    assert together.loss > alone.loss


def test_groups_are_whole_where_a_network_is_fitted_anew():
    parts = groups_of_rows(lambda rows: None, 36, PERSONS)
    assert len(parts) == min(GROUPS, 4)
    assert sorted(np.concatenate(parts).tolist()) == list(range(36))
    assert all(len(set(PERSONS[rows])) == 1 for rows in parts)
