"""What there is in a folder of runs: the order, the figures, why each stopped, what is broken."""

import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import trained
from untrained_runs import FACTS, RESULT, SPLITS

import tfmeta
from tfmeta.terminal import UNLIMITED
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.workflows.run_tables import tables


def made(path, *, step=20, best=None, results=(), facts=FACTS, splits=SPLITS, **settings):
    """A run's files, without anything that was trained."""
    given = {"pipeline": "glyphs", "ways": 5, "steps": 20, "network": "conv4", **settings}
    run = RunDirectory.create(path, Settings(**given), facts, splits)
    if step:
        write(run, f"step-{step:09d}", {"minutes": 2.5})
    if best:
        write(run, f"best-{best[0]:09d}", {"score": best[1]})
    for result in results:
        run.results.append({**RESULT, **result})
    return run


def write(run, name, content):
    with zipfile.ZipFile(run.checkpoints / f"{name}.keras", "w") as archive:
        archive.writestr("training.json", json.dumps(content))


def names(runs):
    return [[Path(run["run"]).name for run in group["runs"]] for group in runs["groups"]]


def test_the_best_of_each_task_is_first_by_its_test_and_then_by_its_validation(tmp_path):
    made(tmp_path / "a", best=(10, 0.99))
    made(tmp_path / "b", best=(10, 0.60), results=[{"accuracy": 0.7}])
    made(tmp_path / "c", best=(10, 0.50), results=[{"accuracy": 0.9}, {"accuracy": 0.8}])
    made(tmp_path / "d", best=(10, 1.00), shots=5)
    made(tmp_path / "e", best=(10, 0.10), transductive=True)
    made(tmp_path / "deep" / "f")
    runs = tfmeta.runs(tmp_path)
    assert sorted(names(runs)) == [["c", "b", "a", "f"], ["d"], ["e"]]
    (first, *_) = (run for run in runs if run["run"].endswith("c"))
    assert (first["test"]["score"], first["test"]["ci95"]) == (0.8, 0.004)  # the newest result
    assert first["validation"] == {"score": 0.5, "num_tasks": 100, "step": 10}
    assert len(runs) == 6


def test_a_test_of_ones_own_pipeline_counts_by_the_name_of_its_source(tmp_path):
    facts = {**FACTS, "name": "rings"}
    results = [{"pipeline": "rings", "accuracy": 0.7}, {"pipeline": "glyphs", "accuracy": 0.9}]
    made(tmp_path / "a", pipeline="rings:build", facts=facts, results=results)
    (run,) = tfmeta.runs(tmp_path)
    assert (run["test"]["score"], len(run["results"])) == (0.7, 1)


def test_a_run_without_a_test_whose_validation_is_better_is_named(tmp_path):
    made(tmp_path / "a", best=(10, 0.99))
    made(tmp_path / "b", best=(10, 0.60), results=[{"accuracy": 0.7}])
    made(tmp_path / "c", best=(10, 0.50))
    text = str(tfmeta.runs(tmp_path))
    better = f"Not tested, with a better validation than a run above: {tmp_path / 'a'}. Next: "
    assert f"{better}tfmeta evaluate {tmp_path / 'a'}\n" in f"{text}\n"
    RunDirectory.open(tmp_path / "a").results.append({**RESULT, "accuracy": 0.8})
    assert "Not tested" not in str(tfmeta.runs(tmp_path))


def test_a_network_that_is_not_made_yet_is_the_default_one(tmp_path):
    made(tmp_path / "killed", step=0, network="auto")
    text = str(tfmeta.runs(tmp_path))
    assert " on its default network " in text
    assert "on auto" not in text


def test_the_least_error_of_values_is_the_best(tmp_path):
    for name, error in (("a", 3.0), ("b", 0.5)):
        facts, result = {**FACTS, "target_size": 1}, {"mse": error, "pipeline": "sinusoid"}
        made(tmp_path / name, facts=facts, results=[result], pipeline="sinusoid", splits=None)
    assert names(tfmeta.runs(tmp_path)) == [["b", "a"]]
    assert "0.5 +- 0.004" in str(tfmeta.runs(tmp_path))


def test_runs_on_other_classes_are_not_compared(tmp_path):
    made(tmp_path / "a")
    made(tmp_path / "b", splits={**SPLITS, "test": ["d"]})
    assert names(tfmeta.runs(tmp_path)) == [["a"], ["b"]]


def test_results_of_other_tasks_do_not_count_and_are_shown(tmp_path):
    other = {"num_shots": 5, "accuracy": 0.99}
    run = made(tmp_path / "a", best=(10, 0.5), results=[other, {**other, "accuracy": 0.985}])
    run.results.append({**RESULT, "accuracy": float("nan")})  # recorded as null
    made(tmp_path / "b", best=(10, 0.6), results=[{"split": "validation", "accuracy": 0.9}])
    runs = tfmeta.runs(tmp_path)
    assert names(runs) == [["b", "a"]]
    assert [run["test"] for run in runs] == [None, None]
    assert "5-way 5-shot, 15 queries, test of glyphs: 98.5 +- 0.4%" in str(runs)
    assert "99.0" not in str(runs)


def test_a_result_of_an_older_checkpoint_is_told_from_one_that_counts_now(tmp_path):
    results = [{"accuracy": 0.7, "step": 10}]
    made(tmp_path / "a", best=(20, 0.8), results=results)
    made(tmp_path / "b", best=(10, 0.8), results=results)
    runs = {Path(run["run"]).name: run for run in tfmeta.runs(tmp_path)}
    assert [runs[name]["test"]["is_current"] for name in "ab"] == [False, True]
    assert "test: of step 10, which is not the best now, 600 tasks" in str(tfmeta.runs(tmp_path))


def stopped(run):
    ((summary,),) = ([*tfmeta.runs(run.path)],)
    return summary["stopped"]


def test_why_a_run_stopped(tmp_path):
    assert stopped(made(tmp_path / "a")) == "finished"
    assert stopped(made(tmp_path / "b", step=10)) == "interrupted"
    assert stopped(made(tmp_path / "c", step=0)) == "interrupted before its first checkpoint"
    timed = made(tmp_path / "d", steps=None, max_minutes=2.0)
    assert stopped(timed) == "finished, its time was over"
    failed = made(tmp_path / "e", step=11)
    failed.metrics.append({"step": 12, "loss": None, "not_finite": ["loss"]})
    assert stopped(failed) == "not finite at step 12"
    ended = made(tmp_path / "f", step=0)
    write(ended, "step-000000010", {"minutes": 1.0, "stopped_by": "EarlyStopping"})
    assert stopped(ended) == "ended by EarlyStopping"
    with ended.locked():
        assert stopped(ended) == "training"
    assert stopped(ended) == "ended by EarlyStopping"


def test_a_real_run_is_listed_and_nothing_in_it_changes():
    run = trained.glyph_run()
    before = trained.contents(run)
    (summary,) = tfmeta.runs(run)
    assert (summary["algorithm"], summary["network"]) == ("maml", "conv4")  # of "auto"
    assert (summary["step"], summary["steps"], summary["stopped"]) == (20, 20, "finished")
    assert summary["minutes"] > 0
    assert trained.contents(run) == before


def test_broken_and_half_written_runs_are_named_and_others_listed(tmp_path):
    made(tmp_path / "whole")
    for name in ("config.json", "source.json", "results.json", "splits.json"):
        run = made(tmp_path / f"without-{name}", results=[{"accuracy": 0.5}])
        (run.path / name).write_text('{"half": ')
    half = tmp_path / "half"
    shutil.copytree(tmp_path / "whole", half)
    (half / "config.json").unlink()
    wrong = made(tmp_path / "wrong-result")
    wrong.results.append({"accuracy": "all of it"})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "config.json").write_text("{}")  # somebody else's
    (tmp_path / "around").symlink_to(tmp_path)
    runs = tfmeta.runs(tmp_path)
    assert names(runs) == [["whole"]]
    broken = {Path(each["run"]).name: each["problem"] for each in runs["broken"]}
    expected = {f"without-{n}.json" for n in ("config", "source", "results", "splits")}
    assert broken.keys() == {*expected, "half", "wrong-result"}
    assert "it has no config.json" in broken["half"]
    assert all(name.removeprefix("without-") in broken[name] for name in expected)


def test_a_folder_without_runs_and_no_folder(tmp_path):
    assert str(tfmeta.runs(tmp_path)) == f"no runs in {tmp_path}"
    with pytest.raises(tfmeta.UserError, match="there is no folder nowhere; expected one with"):
        tfmeta.runs("nowhere")


def test_lines_fit_80_columns_and_are_whole_in_a_pipe(tmp_path):
    results = [{"accuracy": 0.7}, {"accuracy": 0.8, "num_shots": 5}]
    made(tmp_path / "a-run-with-a-name", results=results, best=(10, 0.6), data_dir="some/where")
    facts = tfmeta.runs(tmp_path).facts
    for run in facts["groups"][0]["runs"]:
        run["run"] = "runs/a-run-with-a-name"  # the test's own folder is long
    assert all(len(line) <= 80 for line in tables(facts, 80))
    assert len(tables(facts, UNLIMITED)) == 5


def test_names_are_shown_without_orders_to_a_terminal(tmp_path):
    made(tmp_path / "a\x1b[31mred", data_dir="x\ny")
    assert not re.search("[\x00-\x09\x0b-\x1f]", str(tfmeta.runs(tmp_path)))


def test_the_command_prints_json_and_imports_no_tensorflow(tmp_path):
    made(tmp_path / "runs" / "a", best=(10, 0.6))
    code = (
        "import sys\nfrom tfmeta.cli import main\n"
        "main(['runs', '--json'], standalone_mode=False)\n"
        "assert not {'tensorflow', 'numpy', 'keras'} & {*sys.modules}"
    )
    done = trained.run([sys.executable, "-c", code], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["groups"][0]["runs"][0]["run"] == os.path.join("runs", "a")
