"""The script that measures an accelerator: what it asks for, and one of its measurements."""

import sys
from pathlib import Path

import keras
import pytest

from tfmeta.learners import ALGORITHMS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def scripts(monkeypatch):
    """The two modules, which find each other as they do when the script is run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import accelerator
    import accelerator_rows

    yield accelerator, accelerator_rows
    for name in ("accelerator", "accelerator_rows", "cases"):
        sys.modules.pop(name, None)


def test_every_learner_and_every_case_is_measured_on_the_device_and_the_cpu(scripts):
    rows = scripts[0].rows("GPU", list(ALGORITHMS))
    assert {row["algorithm"] for row in rows if "algorithm" in row} == set(ALGORITHMS)
    training = [row for row in rows if row["what"] == "training"]
    cases = set(scripts[0].CASES)
    for way in scripts[1].WAYS_TO_RUN:
        assert {r["case"] for r in training if r["way"] == way and r["device"] == "GPU"} == cases
    assert {row["case"] for row in training if row["device"] == "CPU"} == cases


def test_it_times_training_on_this_machine(scripts, monkeypatch):
    monkeypatch.setattr(scripts[1], "_start", lambda policy: keras)  # TensorFlow has started
    row = {"case": "C", "way": "mapped", "policy": "float32", "device": "CPU", "quick": True}
    found = scripts[1].training(row)
    assert found["tasks_per_second"] > 0
    assert 0 < found["last_loss"] < 100


def test_a_row_that_differs_says_so(scripts):
    way = {"error": 0.5, "cpu": 1e-6, "agrees": False}
    row = {"what": "agreement", "algorithm": "maml", "device": "GPU"}
    assert "DIFFERS (5.0e-01, the CPU's own 1.0e-06)" in scripts[0].line(
        {**row, "ways": {"compiled float32": way}}
    )
