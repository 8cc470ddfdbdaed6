"""A number of ways, shots or queries is one value, fixed or a range."""

import dataclasses
import json

import numpy as np
import pytest

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape, Range, in_words
from tfmeta.episodes.target_kind import ACTIONS, VALUES
from tfmeta.errors import UserError


def test_numbers_are_ranges_of_themselves():
    shape = tfmeta.EpisodeShape(5, 1, 15)
    assert shape == EpisodeShape(num_ways=5, num_shots=Range(1, 1), num_queries=15)
    assert (shape.num_ways, shape.num_shots, shape.num_queries) == (5, 1, 15)
    assert (shape.num_examples, shape.size) == (16, 80)
    assert not shape.varies


def test_a_range_is_from_the_least_to_the_most():
    shape = EpisodeShape(Range(2, 5), 1, Range(3, 15), unbalanced=True)
    assert shape.varies
    assert shape == EpisodeShape((2, 5), 1, (3, 15), unbalanced=True)
    assert shape != EpisodeShape(5, 1, 15, unbalanced=True)
    assert (shape.num_ways, shape.ways.least) == (5, 2)
    assert in_words(shape.protocol()) == "2-5-way 1-shot, 3-15 queries"
    assert in_words(shape.protocol(), kind=VALUES) == "1-shot, 3-15 queries"
    actions = EpisodeShape(1, 20, 10).protocol()
    assert in_words(actions, kind=ACTIONS) == "20 trajectories to learn from and 10 afterwards"


def test_a_changed_shape_keeps_the_rest():
    shape = EpisodeShape(Range(2, 5), 1, 15, within_group=True, skip_small_classes=True)
    changed = shape.changed(num_shots=Range(1, 3))
    assert changed == EpisodeShape(Range(2, 5), Range(1, 3), 15, True, False, True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        shape.ways = Range(1, 2)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1, 1), "received ways=0; expected 1 or more"),
        ((5, Range(3, 2), 1), "received shots from 3 to 2; expected 1 <= from <= to"),
        ((5, 1, Range(0, 2)), "received queries from 0 to 2; expected 1 <= from <= to"),
        ((True, 1, 1), r"num_ways: received True; expected a whole number, or \(least, most\)"),
        ((5.0, 1, 1), r"num_ways: received 5.0; expected a whole number"),
        ((5, "1", 1), r"num_shots: received '1'; expected a whole number"),
        ((5, (1, 2, 3), 1), r"num_shots: received \(1, 2, 3\); expected a whole number, or"),
        ((5, 1, (1, 2.5)), r"num_queries: received \(1, 2.5\); expected a whole number, or"),
        ((5, 1, 1, 1), r"received within_group=1; expected True or False"),
        ((5, 1, 1, False, "no"), r"received unbalanced='no'; expected True or False"),
        ((1000, 1000, 1), r"an episode of 1001000 examples .*expected 1000000 at most"),
    ],
)
def test_impossible_numbers_are_refused(numbers, message):
    with pytest.raises(UserError, match=message):
        EpisodeShape(*numbers)


def test_numbers_of_numpy_are_numbers():
    shape = EpisodeShape(np.int64(3), (np.int32(1), np.int64(2)), 4)
    assert shape == EpisodeShape(3, (1, 2), 4)
    assert json.loads(json.dumps(shape.to_dict())) == shape.to_dict()


def test_a_file_holds_it_as_it_always_did():
    facts = {
        "num_ways": 5,
        "num_shots": 3,
        "num_queries": 15,
        "within_group": False,
        "least_ways": None,
        "least_shots": 1,
        "least_queries": None,
        "unbalanced": True,
        "skip_small_classes": False,
    }
    shape = EpisodeShape(5, Range(1, 3), 15, unbalanced=True)
    assert list(shape.to_dict().items()) == list(facts.items())
    assert EpisodeShape.from_dict(facts) == shape
