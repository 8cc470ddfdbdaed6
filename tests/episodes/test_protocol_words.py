"""A protocol in words names everything that makes it another one."""

import itertools

from tfmeta.episodes.episode_shape import EpisodeShape, in_words

FLAGS = ("unbalanced", "within_group", "query_other_group", "skip_small_classes")


def test_protocols_that_differ_in_a_flag_differ_in_words():
    found = {}
    for values in itertools.product((False, True), repeat=len(FLAGS)):
        flags = dict(zip(FLAGS, values, strict=True))
        if flags["within_group"] and flags["query_other_group"]:
            continue  # refused together
        other = flags.pop("query_other_group")
        shape = EpisodeShape(5, (1, 10), 15, **flags).changed(query_other_group=other)
        flags["query_other_group"] = other
        found[in_words(shape.protocol())] = flags
    assert len(found) == 12
    assert found["5-way 1-10-shot, 15 queries"] == dict.fromkeys(FLAGS, False)


def test_the_words_of_each_flag():
    shape = EpisodeShape(5, (1, 10), 15, unbalanced=True, within_group=True)
    assert in_words(shape.protocol()) == "5-way 1-10-shot, 15 queries, unbalanced, within groups"
    shape = EpisodeShape(5, 1, 15, skip_small_classes=True).changed(query_other_group=True)
    words = "5-way 1-shot, 15 queries, of another group, without small classes"
    assert in_words(shape.protocol()) == words
