"""When two answers are the same: labels count where the probabilities tell them apart."""

import numpy as np
import pytest
from closeness import assert_close

from tfmeta.exporting.verifying.comparison import CheckFailed, answer_difference
from tfmeta.exporting.verifying.verifier import batch_tolerance
from tfmeta.precision import IN_COMPANY, OF_AN_EXPORT, rounding_error

PROBABILITIES = np.float32([[0.4, 0.4, 0.2], [0.1, 0.3, 0.6]])
NAMES = ["cat", "dog", "fox"]


def answer(labels, probabilities=PROBABILITIES):
    return {"probabilities": probabilities, "label": np.array(labels)}


def apart(received, names=None, expected=(0, 2)):
    return answer_difference(answer(received), answer(expected), "predict", 1e-5, names)


def test_either_of_two_classes_that_are_as_likely_will_do():
    assert apart([0, 2]) == apart([1, 2]) == 0
    assert apart([b"dog", b"fox"], NAMES, [b"cat", b"fox"]) == 0


@pytest.mark.parametrize("labels", [[2, 2], [0, 1], [3, 2], [-1, 2]])
def test_a_label_that_is_less_likely_fails(labels):
    with pytest.raises(CheckFailed, match="predict: label: received"):
        apart(labels)


@pytest.mark.parametrize("labels", [[b"fox", b"fox"], [b"cow", b"fox"], [b"dog", b"dog"]])
def test_so_does_its_name(labels):
    with pytest.raises(CheckFailed, match="predict: label: received"):
        apart(labels, NAMES, [b"cat", b"fox"])


def test_a_label_of_an_answer_without_probabilities_must_be_the_same():
    with pytest.raises(CheckFailed, match="label: received"):
        answer_difference({"label": np.array([1])}, {"label": np.array([0])}, "predict", 1e-5)


def test_a_batch_may_differ_as_much_more_as_the_model_enlarges_rounding():
    """Spectra of meat, whose convolutions are close to their thresholds, differed by 8e-5."""
    least = rounding_error(np.float32, OF_AN_EXPORT)
    assert_close(batch_tolerance(least), rounding_error(np.float32, IN_COMPANY))
    assert_close(batch_tolerance(least / 2), batch_tolerance(least))
    assert_close(batch_tolerance(20 * least), 20 * batch_tolerance(least))
