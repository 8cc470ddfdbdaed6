"""Episodes whose support set is of one group, and whose queries are of another."""

import numpy as np
import pytest
from closeness import assert_within_chance

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape, in_words
from tfmeta.errors import UserError

GROUPS, WORDS, EXAMPLES = 3, 4, 5
SHAPE = EpisodeShape(3, 2, 3).changed(query_other_group=True)


def source(names=None, groups=GROUPS, rotations=False):
    """An example holds its group, its class and its own number, and a mark, in its pixels."""
    classes = GROUPS * WORDS
    names = names or [f"g{c // WORDS}/w{c % WORDS}" for c in range(classes)]
    x = np.zeros((classes * EXAMPLES, 2, 2, 1), np.float32)
    labels = np.repeat(np.arange(classes), EXAMPLES)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = labels // WORDS, labels % WORDS
    x[:, 1, 1, 0] = 9  # where it stands says how the example is turned
    x[:, 1, 0, 0] = np.tile(np.arange(EXAMPLES), classes)
    group_of = np.arange(classes) // WORDS
    index = ClassIndex(
        x,
        labels,
        {"train": np.arange(classes)},
        tuple(names),
        group_of if groups else None,
        tuple(f"g{n}" for n in range(GROUPS)) if groups else (),
    )
    return ClassSource("words", index, rotations=rotations)


def batch(episodes, shape=SHAPE, number=300):
    found = next(iter(episodes.episodes("train", shape, num_tasks=number)))
    return [np.asarray(part) for part in found]


def test_support_and_queries_have_the_same_names_in_two_groups():
    support_x, support_y, query_x, query_y = batch(source())
    pairs = set()
    for task in range(len(support_x)):
        (one,), (other,) = (np.unique(x[task, :, 0, 0, 0]) for x in (support_x, query_x))
        assert one != other
        pairs.add((one, other))
        for label in range(3):
            (word,) = np.unique(support_x[task, support_y[task] == label, 0, 1, 0])
            (asked,) = np.unique(query_x[task, query_y[task] == label, 0, 1, 0])
            assert word == asked
            for x, y, count in ((support_x, support_y, 2), (query_x, query_y, 3)):
                assert len(np.unique(x[task, y[task] == label, 1, 0, 0])) == count
    assert len(pairs) == GROUPS * (GROUPS - 1)


def test_every_word_and_every_example_is_drawn_as_often():
    support_x, _, query_x, _ = batch(source(), number=3000)
    for x, pixel, kinds in (
        (support_x, (0, 1, 0), WORDS),
        (query_x, (1, 0, 0), EXAMPLES),
        (support_x, (1, 0, 0), EXAMPLES),
        (query_x, (0, 0, 0), GROUPS),
    ):
        values = x[:, 0][(slice(None), *pixel)]
        shares = np.bincount(values.astype(int), minlength=kinds) / len(values)
        error = (1 / kinds * (1 - 1 / kinds) / len(values)) ** 0.5
        assert_within_chance(shares, np.full(kinds, 1 / kinds), error)


def test_turned_classes_have_the_same_turn_on_both_sides():
    support_x, _, query_x, _ = batch(source(rotations=True))
    corners = [x.reshape(*x.shape[:2], 4).argmax(-1) for x in (support_x, query_x)]
    for number in range(3):  # classes in the order of their labels
        support, queries = corners[0][:, 2 * number], corners[1][:, 3 * number]
        assert (support == queries).all()
    assert len(np.unique(corners[0])) == 4
    numbers = batch(source(rotations=True).with_class_numbers())
    turns = [numbers[part] // (GROUPS * WORDS) for part in (1, 3)]
    words = [numbers[part] % WORDS for part in (1, 3)]
    for number in range(3):
        for found in (turns, words):
            support = found[0][:, 2 * number : 2 * number + 2]
            queries = found[1][:, 3 * number : 3 * number + 3]
            assert (support[:, :1] == support).all()
            assert (support[:, :1] == queries).all()


def test_an_episode_depends_on_its_number_alone():
    every = batch(source(), number=10)
    for number in (3, 7):
        dataset = source().episodes("train", SHAPE, num_tasks=1, first=number)
        for one, other in zip(next(iter(dataset)), every, strict=True):
            np.testing.assert_array_equal(one[0], other[number])


def test_classes_without_a_partner_are_not_drawn():
    names = [f"g{c // WORDS}/w{c % WORDS}" for c in range(GROUPS * WORDS)]
    names[3], names[7] = "g0/alone", "g1/another"
    support_x, _, query_x, _ = batch(source(names))
    lonely = [(0, 3), (1, 3)]
    for x in (support_x, query_x):
        drawn = {tuple(pair) for pair in x[:, :, 0, :, 0].reshape(-1, 2).astype(int).tolist()}
        assert not drawn & set(lonely)


@pytest.mark.fault(
    "queries of another group where groups share no class names",
    "refused, with how many classes two groups share",
)
def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UserError, match="words has no groups of classes; leave --query-other-gr"):
        batch(source(groups=0))
    names = [f"g{c // WORDS}/w{c}" for c in range(GROUPS * WORDS)]
    with pytest.raises(UserError, match=r"classes of the same names; .* two groups have 0 at most"):
        batch(source(names))
    with pytest.raises(UserError, match="5 ways with queries of another group need two groups"):
        batch(source(), EpisodeShape(5, 1, 1).changed(query_other_group=True))
    with pytest.raises(UserError, match="received within_group and query_other_group"):
        SHAPE.changed(within_group=True)


def test_the_shape_says_so_and_others_are_as_before():
    assert SHAPE.protocol()["query_other_group"] is True
    assert EpisodeShape.from_dict(SHAPE.to_dict()) == SHAPE
    assert "query_other_group" not in EpisodeShape().protocol() | EpisodeShape().to_dict()
    assert in_words(SHAPE.protocol()) == "3-way 2-shot, 3 queries, of another group"
