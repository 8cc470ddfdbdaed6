"""Every learner's explanation of a task whose answer is known finds what it rests on."""

import numpy as np
from closeness import assert_close
from conformance_table import each_name
from toy import NAMES, PATCHES, explanation, learner, pictures

from tfmeta.learners import ALGORITHMS

Y = [0, 0, 0, 1, 1, 1]
PLACES = [0, 0, 0, 1, 3, 3]  # of the patches; class `one` has none
TWICE = (4, 5)  # the rows of one support example, which is the query too


@each_name(ALGORITHMS, turn=2)
def test_the_example_and_the_place_that_decide_are_found(name):
    x = pictures(PLACES, np.random.default_rng(0))
    x[TWICE[1]] = x[TWICE[0]]
    found = explanation(learner(name), x, Y, x[TWICE[0]])
    assert found.question.name == NAMES[1]
    first, second = (found.support.examples[row] for row in TWICE)
    others = [found.support.joint_effect(row) for row in range(len(Y)) if row not in TWICE]
    assert found.support.joint_effect(TWICE[0]) > max(0, *others)
    assert_close(first.effect, second.effect, dtype=np.float32)
    assert [each.is_query for each in found.support.examples] == [row in TWICE for row in range(6)]
    assert (first.copies, second.copies) == ((second.place,), (first.place,))
    assert found.input.boxes[int(np.argmax(found.input.effects))] == PATCHES[PLACES[TWICE[0]]]
