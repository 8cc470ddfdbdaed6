"""One test task has no interval over tasks, and no number stands in its place."""

import json
import shutil

import numpy as np
import pytest
import trained

import tfmeta
from tfmeta.evaluation.evaluator import mean_and_ci95
from tfmeta.evaluation.result import Result


def test_one_score_is_its_own_mean_and_has_no_interval():
    assert mean_and_ci95(np.array([0.25])) == (0.25, None)
    assert mean_and_ci95(np.array([0.25, 0.25])) == (0.25, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("made", [trained.prototypical_run, trained.sinusoid_run])
def test_no_result_of_one_task_has_an_interval(made, tmp_path):
    run = tmp_path / "runs" / "run"
    shutil.copytree(made(), run)
    result = tfmeta.evaluate(run, tasks=1)
    assert result.ci95 is None
    (kept,) = json.loads((run / "results.json").read_text())[-1:]
    assert kept["ci95"] is None
    assert {row["difference_ci95"] for row in kept["baselines"]} == {None}
    said = str(result)
    assert "1 task of the test split" in said
    assert "one task has no interval, and does not say what the learner beats" in said
    assert "+-" not in said
    assert "(95%)" not in said
    assert "+-" not in str(tfmeta.runs(run.parent))
    other = shutil.copytree(run, tmp_path / "other")
    assert "+-" not in str(tfmeta.compare([run, other], tasks=1, baselines=False))


def test_a_result_of_one_task_beats_nothing_surely():
    row = {"name": "chance", "accuracy": 0.2, "ci95": None, "difference": 0.8}
    row["difference_ci95"] = None
    facts = {"accuracy": 1.0, "ci95": None, "baselines": [row], "num_tasks": 1}
    facts |= {"adaptation_steps": [0], "adaptation_curve": [1.0], "mode": "inductive"}
    facts |= {"num_ways": 5, "num_shots": 1, "num_queries": 15, "split": "test", "seed": 0}
    facts |= {"pipeline": "glyphs", "episodes_sha256": "0" * 64, "step": 1}
    assert "NOT beat" not in str(Result(facts))
