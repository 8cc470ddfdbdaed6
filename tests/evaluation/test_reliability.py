"""How sure and how right answers are, bin by bin, against a loop in plain Python."""

import numpy as np
from closeness import assert_close

from tfmeta.confidence import Confidence
from tfmeta.evaluation.calibration import Answers, expected_calibration_error, reliability


def test_bins_hold_what_is_counted_one_by_one():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(200, 3)).astype(np.float32)
    labels = rng.integers(0, 3, 200)
    answers = Answers(logits, labels, logits[:0])
    expected = np.zeros((3, 15))
    for row, label in zip(logits.astype(np.float64) / 2, labels, strict=True):
        probabilities = np.exp(row) / np.exp(row).sum()
        place = min(int(15 * probabilities.max()), 14)
        expected[:, place] += 1, probabilities.max(), probabilities.argmax() == label
    confidence = Confidence(temperature=2.0)
    for found, column in zip(reliability(confidence, answers, 15), expected, strict=True):
        assert_close(found, column, dtype=np.float32)
    gap = np.abs(expected[1] - expected[2]).sum() / 200
    assert_close(expected_calibration_error(confidence, answers), gap, dtype=np.float32)
