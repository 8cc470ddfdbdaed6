"""What a report of `tfmeta learn` names, from answers that are known."""

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers
from tfmeta.evaluation.held_out import Head, HeldOut
from tfmeta.reading.origins import Origins
from tfmeta.workflows.learned import confusions_of, suspects_of

NAMES = ("a", "b", "c")


def test_each_wrong_answer_is_named_the_surest_first():
    # Of three classes, one may be the likeliest with less than half of the probability.
    shares = [[0.5, 0.3, 0.2], [0.45, 0.28, 0.27], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]
    shares.append([0.36, 0.32, 0.32])  # which says next to nothing
    answers = Answers(np.log(shares), np.array([0, 1, 2, 2, 1]), np.zeros((0, 3)))
    found = HeldOut(Head("ridge"), np.array([0, 2, 5, 7, 6]), answers, Confidence())
    origins = Origins(tuple(f"{number}.png" for number in range(8)))
    suspects = suspects_of(found, NAMES, origins)
    assert [(each.name, each.label, each.answer) for each in suspects] == [
        ("5.png", "c", "b"),
        ("2.png", "b", "a"),
    ]
    assert confusions_of(found, NAMES) == (("b", "a", 2), ("c", "b", 1))
