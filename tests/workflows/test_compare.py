"""Runs on the same episodes, against Keras's `predict` and SciPy; what can't be compared."""

import json

import numpy as np
import pytest
import trained
from closeness import assert_close
from scipy.stats import ttest_rel

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.evaluation.baselines import UNTRAINED
from tfmeta.pipelines import build

TASKS = 20


@pytest.fixture(scope="module")
def runs():
    return [str(run()) for run in (trained.glyph_run, trained.prototypical_run)]


@pytest.fixture(scope="module")
def comparison(runs):
    return tfmeta.compare(runs, tasks=TASKS)


def scores(run):
    """The accuracy of each task, by Keras's own `predict`."""
    episodes = build("glyphs").episodes("test", EpisodeShape(5, 1, 1), num_tasks=TASKS).take(1)
    (batch,) = episodes
    outputs = tfmeta.load(run).predict(episodes, verbose=0)
    return (outputs.argmax(-1) == batch.query_y.numpy()).mean(-1)


def test_the_scores_and_the_difference_of_two_runs(comparison, runs):
    one, other = (scores(run) for run in runs)
    for row, expected in zip(comparison["runs"], (one, other), strict=True):
        assert_close(row["accuracy"], expected.mean(), dtype=np.float32)
        assert_close(row["ci95"], 1.96 * expected.std(ddof=1) / np.sqrt(TASKS), dtype=np.float32)
    first = comparison["differences"][0]
    assert (first["of"], first["than"]) == tuple(runs)
    assert_close(first["difference"], (one - other).mean(), dtype=np.float32)
    assert_close(first["p"], ttest_rel(one, other).pvalue, dtype=np.float32)


def test_each_run_is_compared_with_what_needs_no_learning_and_with_its_own_start(comparison, runs):
    names = [row["name"] for row in comparison["baselines"]]
    own = [f"{run}: {UNTRAINED}" for run in runs]
    assert names == ["chance", "raw inputs, nearest mean", "raw inputs, ridge", *own]
    pairs = {(row["of"], row["than"]) for row in comparison["differences"]}
    expected = {(run, name) for run in runs for name in names[:3]}
    assert pairs == {tuple(runs)} | expected | set(zip(runs, own, strict=True))
    alone = tfmeta.evaluate(runs[0], tasks=TASKS, is_recorded=False)
    for row in alone["baselines"]:
        name = own[0] if row["name"] == UNTRAINED else row["name"]
        (same,) = (d for d in comparison["differences"] if (d["of"], d["than"]) == (runs[0], name))
        assert {key: same[key] for key in ("difference", "difference_ci95")} == {
            key: row[key] for key in ("difference", "difference_ci95")
        }


def test_the_command_prints_json_alone_or_tables_that_fit(comparison, runs, capfd):
    options = ["--tasks", TASKS]
    status, output, _ = trained.inside(capfd, "compare", *runs, *options, "--json")
    assert (status, json.loads(output)) == (0, comparison.facts)
    folder = runs[0].removesuffix("glyphs")
    lines = type(comparison)(json.loads(output.replace(folder, "runs/"))).lines(80)
    assert all(len(line) <= 80 for line in lines)
    first = comparison["runs"][0]
    percents = f"{100 * first['accuracy']:.1f} +- {100 * first['ci95']:.1f}%"
    assert any("runs/glyphs " in line and percents in line for line in lines)


def test_nothing_is_recorded_in_the_runs(comparison, runs):
    before = [trained.contents(trained.glyph_run())]
    tfmeta.compare(runs, tasks=2, baselines=False)
    assert [trained.contents(trained.glyph_run())] == before


def test_one_task_has_no_differences(runs):
    found = tfmeta.compare(runs, tasks=1, baselines=False)
    assert found["differences"] == []
    assert str(found).endswith("one task has no differences; expected 2 tasks or more")


@pytest.mark.parametrize(
    ("others", "options", "message"),
    [
        ([], {}, "received 1 run; expected 2 or more"),
        (["glyph_run"], {}, "received the run .*glyphs twice"),
        (["sinusoid_run"], {}, "glyphs learns classes, .*sinusoid targets of size 1; expected"),
        (["prototypical_run"], {"episodes": "x", "tasks": 3}, "episodes='x' and tasks"),
        (["prototypical_run"], {"task": 3}, "compare received task; expected some of"),
    ],
)
def test_what_can_not_be_compared_is_refused_by_name(others, options, message):
    given = [trained.glyph_run(), *(getattr(trained, other)() for other in others)]
    with pytest.raises(tfmeta.UserError, match=message):
        tfmeta.compare(given, **options)


@pytest.fixture(scope="module")
def other_runs(tmp_path_factory):
    """Runs of other tasks and of other data."""
    folder = tmp_path_factory.mktemp("runs")
    start = {"algorithm": "prototypical", "steps": 0, "validation_tasks": 0}
    small = {"network_options": {"filters": 2, "num_blocks": 1}}
    for name, own in (
        ("shots", {"shots": 2, "queries": 1}),
        ("split", {"queries": 1, "pipeline_options": {"split_seed": 1}}),
    ):
        tfmeta.train("glyphs", run_dir=folder / name, **start, **small, **own)
    return folder


def test_other_tasks_are_refused_unless_the_user_chooses_some(other_runs, runs):
    both = [runs[0], other_runs / "shots"]
    with pytest.raises(tfmeta.UserError, match=r"num_shots=1, .*shots for num_shots=2; .*--shots"):
        tfmeta.compare(both, tasks=2)
    found = tfmeta.compare(both, tasks=2, shots=3, baselines=False)
    assert found["num_shots"] == 3


def test_other_data_is_refused(other_runs, runs):
    with pytest.raises(tfmeta.UserError, match=r"split have different episodes \(glyphs, "):
        tfmeta.compare([runs[0], other_runs / "split"], tasks=2, baselines=False)
