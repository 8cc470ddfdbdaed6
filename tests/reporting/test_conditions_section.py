"""The section on robustness, of what a run has in its robustness.json."""

import base64
import json
from types import SimpleNamespace

import pytest

from tfmeta.errors import UserError
from tfmeta.reporting.sections import conditions
from tfmeta.training.progress import Quiet
from tfmeta.training.results_file import ResultsFile


def row(name, severity, accuracy, **others):
    part = "query" if severity else ""
    strength = f"{severity}/255 of the range"
    found = {"name": name, "severity": severity, "strength": strength, "part": part}
    return {**found, "accuracy": accuracy, "ci95": 0.01, "ece": 0.05, "unknown_auroc": 0.7} | others


@pytest.fixture
def facts():
    changed = {"difference": -0.25, "difference_ci95": 0.02, "p_corrected": 0.001, "holds": True}
    return {
        "mode": "inductive", "step": 9, "pipeline": "glyphs", "split": "test", "num_tasks": 7,
        "num_ways": 5, "num_shots": 1, "num_queries": 2, "seed": 0, "metric": "accuracy",
        "confidence": {"fitted_on": None, "why": "no tasks"},
        "conditions": [
            row("clean", 0, 0.75),
            row("fgsm", 1, 0.5, **changed),
            row("fgsm", 2, 0.25, **{**changed, "holds": False}),
        ],
    }  # fmt: skip


def run_with(folder, *results):
    (folder / "robustness.json").write_text(json.dumps(results))
    kept = ResultsFile(folder / "robustness.json")
    return SimpleNamespace(name="runs/a", step=9, run=SimpleNamespace(robustness=kept))


def test_it_has_a_plot_and_a_table_of_the_newest_result(tmp_path, facts):
    older = {**facts, "conditions": facts["conditions"][:1]}
    run = run_with(tmp_path, older, facts)
    said, charts, table, severities = conditions.blocks([run], Quiet("report"))
    assert "7 tasks of the test split of glyphs, checkpoint of step 9." in said.text
    assert "without calibration: no tasks" in said.text
    assert table.rows[0] == ["clean", "75.0 ± 1.0%", "", "0.050", "0.700"]
    assert [each[0] for each in table.rows[1:]] == ["fgsm query 1", "fgsm query 2"]
    assert [each[2].strip() for each in table.rows[1:]] == [
        "-25.00 ± 2.00% *",
        "-25.00 ± 2.00%",
    ]
    assert "fgsm of query: 1/255, 2/255 of the range" in severities.text
    (chart,) = charts.charts
    drawing = base64.b64decode(chart.source.partition(",")[2]).decode()
    assert "fgsm query" in drawing
    assert "clean" in drawing


def test_a_result_of_another_checkpoint_says_so(tmp_path, facts):
    run = run_with(tmp_path, {**facts, "step": 4})
    said, *_ = conditions.blocks([run], Quiet("report"))
    assert "step 4, which is not the step of this report" in said.text


def test_without_a_result_there_is_nothing_and_a_damaged_one_is_named(tmp_path, facts):
    assert conditions.blocks([run_with(tmp_path)], Quiet("report")) == []
    del facts["metric"]
    with pytest.raises(UserError, match=r"robustness.json is damaged: KeyError 'metric'"):
        conditions.blocks([run_with(tmp_path, facts)], Quiet("report"))
