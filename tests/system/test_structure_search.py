"""The script that compares structures: what it says of several seeds, and its table."""

import sys
from pathlib import Path

import pytest
from closeness import assert_close

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCORES = {"found": (0.6, 0.7, 0.8), "random": (0.5, 0.6, 0.7), "conv4": (0.7, 0.7, 0.7)}
STUDENT = 4.302653  # the 97.5% quantile of two degrees of freedom, from a table


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import structure_search

    yield structure_search
    sys.modules.pop("structure_search", None)


def rows():
    def of(seed):
        networks = {
            kind: {"accuracy": scores[seed], "ci95": 0.01, "processor_seconds": 9.4}
            for kind, scores in SCORES.items()
        }
        differences = [
            {"of": "found", "than": "random", "difference": 0.1, "difference_ci95": 0.02},
            {"of": "conv4", "than": "found", "difference": -0.1 * seed, "difference_ci95": 0.03},
            {"of": "random", "than": "conv4", "difference": 0.0, "difference_ci95": 0.04},
        ]
        return {"seed": seed, "networks": networks, "differences": differences}

    return [of(seed) for seed in range(3)]


def test_the_interval_over_seeds_is_students(script):
    found = script.over_seeds(rows())
    assert_close(found["found"]["mean"], 0.7)
    assert_close(found["found"]["ci95"], STUDENT * 0.1 / 3**0.5, roundings=1e10)  # as in the table
    assert_close(found["found minus random"]["mean"], 0.1)
    assert_close(found["random minus conv4"]["mean"], -0.1)


def test_the_table_has_each_network_and_each_difference_the_right_way_round(script):
    lines = script.table({"seeds": rows(), "over_seeds": script.over_seeds(rows())}).splitlines()
    assert (
        "| conv4 | 70.0 +- 1.0% | 70.0 +- 1.0% | 70.0 +- 1.0% | 70.0 +- 0.0% | 9, 9, 9 |" in lines
    )
    (line,) = (line for line in lines if line.startswith("| found minus conv4"))
    assert "| 0.0 +- 3.0% | 10.0 +- 3.0% | 20.0 +- 3.0% | 0.0 +- 24.8% |" in line
