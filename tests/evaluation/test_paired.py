"""Differences on the same tasks, against SciPy's paired test and R's correction."""

import numpy as np
import pytest
from closeness import assert_close
from scipy.stats import t, ttest_rel

from tfmeta.evaluation.paired import differences, holm, paired_difference, unpaired_difference

RNG = np.random.default_rng(0)


def test_a_difference_is_that_of_scipys_paired_t_test():
    scores, others = RNG.uniform(size=(2, 40))
    found = paired_difference(scores, others + 0.1)
    by_task = scores - others - 0.1
    assert_close(found["difference"], by_task.mean())
    assert_close(found["difference_ci95"], 1.96 * by_task.std(ddof=1) / np.sqrt(40))
    assert_close(found["p"], ttest_rel(scores, others + 0.1).pvalue)


def test_a_difference_of_other_tasks_is_that_of_welch():
    scores, others = RNG.uniform(size=30), RNG.uniform(size=50) ** 2
    found = unpaired_difference(scores, others)
    parts = np.array([each.var(ddof=1) / len(each) for each in (scores, others)])
    error = np.sqrt(parts.sum())
    freedom = parts.sum() ** 2 / (parts**2 / (29, 49)).sum()
    assert_close(found["difference"], scores.mean() - others.mean())
    assert_close(found["difference_ci95"], 1.96 * error)
    assert_close(found["p"], 2 * t.sf(abs(found["difference"]) / error, freedom))
    assert unpaired_difference(np.ones(3), np.zeros(4))["p"] == 0.0


def test_without_a_spread_there_is_no_doubt():
    same = RNG.uniform(size=5)
    assert paired_difference(same, same) == {"difference": 0.0, "difference_ci95": 0.0, "p": 1.0}
    assert paired_difference(np.ones(5), np.zeros(5))["p"] == 0.0


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [  # p.adjust(p_values, "holm") in R
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.5, 0.0001, 0.02], [0.5, 0.0003, 0.04]),
        ([0.9, 0.6], [1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holms_correction(p_values, expected):
    assert_close(holm(p_values), np.array(expected))


def test_fewer_differences_hold_among_many():
    """A difference that holds alone does not among 30 others that are none."""
    base = np.zeros(20)
    weak = 0.1 + 0.2 * RNG.normal(size=20)
    scores = {"base": base, "weak": weak}
    (alone,) = differences(scores, [("weak", "base")])
    assert (alone["of"], alone["than"], alone["holds"]) == ("weak", "base", True)
    assert alone["p_corrected"] == alone["p"] < 0.05
    noise = {f"noise{i}": np.resize([1.0, -1.0], 20) for i in range(30)}  # of p = 1
    pairs = [("weak", "base"), *((name, "base") for name in noise)]
    among = differences({**scores, **noise}, pairs)
    assert_close(among[0]["p_corrected"], min(1.0, 31 * alone["p"]))
    assert not among[0]["holds"]
