"""What a report of `tfmeta learn` names, from answers that are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers
from tfmeta.evaluation.held_out import Head, HeldOut
from tfmeta.reading.origins import Origins
from tfmeta.workflows.learnable.task import first_unless_surely_worse
from tfmeta.workflows.learned import HeldOutShare, confusions_of, suspects_of

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


def test_where_one_class_is_frequent_the_mean_of_the_classes_stands_beside_the_share():
    labels = np.array([0] * 8 + [2] * 2)
    logits = np.log(np.eye(3)[[0] * 9 + [2]] + 0.1)
    answers = Answers(logits, labels, np.zeros((0, 3)))
    found = HeldOutShare.of(HeldOut(Head("ridge"), np.arange(10), answers, Confidence()))
    assert (found.accuracy, found.most_common) == (0.9, 0.8)
    assert (found.mean_of_classes, found.are_uneven) == (0.75, True)
    answers = Answers(logits[4:], labels[4:], np.zeros((0, 3)))
    assert not HeldOutShare.of(
        HeldOut(Head("ridge"), np.arange(6), answers, Confidence())
    ).are_uneven


@pytest.mark.parametrize(("standard_errors", "taken"), [(1, "second"), (2, "first")])
def test_a_second_task_is_taken_only_where_it_is_surely_better(standard_errors, taken):
    gains = np.random.default_rng(0).normal(size=40)
    # One and a half standard errors above zero.
    gains = 0.05 + (gains - gains.mean()) / gains.std(ddof=1) * 0.05 * np.sqrt(40) / 1.5

    def task(name, losses):
        own = np.exp(-losses)
        answers = Answers(np.log(np.stack([own, 1 - own], 1)), np.zeros(40, int), np.zeros((0, 2)))
        found = HeldOut(Head("ridge"), np.arange(40), answers, Confidence())
        return SimpleNamespace(network=name, held_out=found)

    tasks = [task("first", np.ones(40)), task("second", 1 - gains)]
    assert first_unless_surely_worse(tasks, standard_errors=standard_errors).network == taken
    assert first_unless_surely_worse(tasks[:1]).network == "first"
