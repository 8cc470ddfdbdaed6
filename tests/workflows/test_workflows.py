"""The main job from Python, as in a notebook: five calls, and no command line."""

import json
import logging
import shutil
import subprocess
import sys

import made_once
import numpy as np
import pytest
import trained
from PIL import Image
from stops import after
from told import Told
from trained import COMMAND, run
from without_extras import WITHOUT

import tfmeta

NOTEBOOK = """
import json, logging, sys
import tfmeta

folder, images = sys.argv[1:]
told = []
logging.getLogger("tfmeta").setLevel("INFO")
logging.getLogger("tfmeta").addHandler(logging.StreamHandler(sys.stderr))
made = tfmeta.train(
    "image-folder", data_dir=images, algorithm="prototypical", run_dir=f"{folder}/run", ways=2,
    queries=2, steps=6, validation_tasks=0,
    pipeline_options={"size": 12, "validation": 2, "test": 2},
    network_options={"filters": 4, "num_blocks": 1},
)
result = tfmeta.evaluate(made, tasks=4)
version = tfmeta.export(
    made, kind="adapted", support=f"{folder}/support", output=f"{folder}/exported",
    calibration_tasks=5,
)
checked = tfmeta.verify(f"{folder}/exported", timeout=300)
(one, two) = tfmeta.predict(f"{folder}/exported", [f"{images}/a/0.png", f"{images}/b/1.png"])
print(json.dumps({
    "step": made.step, "finished": made.finished, "result": result.facts, "said": str(result),
    "version": str(version), "ok": bool(checked), "checks": len(checked.checks),
    "predictions": [one.to_dict(), two.to_dict()],
}))
"""


@pytest.fixture(scope="module")
def images():
    """Eight classes of six pictures, each class a grey level of its own."""
    folder = made_once.folder() / "workflow-images"
    rng = np.random.default_rng(0)
    for number, name in enumerate("abcdefgh"):
        (folder / name).mkdir(parents=True)
        for image in range(6):
            pixels = rng.integers(0, 20, (12, 12)) + 28 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{image}.png")
    return folder


@pytest.mark.slow
def test_five_calls_do_what_the_five_commands_do_and_need_no_extra(images, tmp_path, capfd):
    for name in "ab":
        (tmp_path / "support" / name).mkdir(parents=True)
        for image in (2, 3):
            content = (images / name / f"{image}.png").read_bytes()
            (tmp_path / "support" / name / f"{image}.png").write_bytes(content)
    code = [sys.executable, "-c", WITHOUT + NOTEBOOK, str(tmp_path), str(images)]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["step"], found["finished"], found["ok"]) == (6, True, True)
    assert "train  100%" in done.stderr  # by logging
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    assert [each["label"] for each in found["predictions"]] == ["a", "b"]

    options = ["--data-dir", images, "--algorithm", "prototypical", "--ways", "2", "--queries", "2"]
    options += ["--steps", "6", "--set", "validation_tasks=0", "--set", "pipeline.size=12"]
    options += ["--set", "pipeline.validation=2", "--set", "pipeline.test=2"]
    options += ["--set", "network.filters=4", "--set", "network.num_blocks=1"]
    by_command = tmp_path / "by-command"
    trained.call("train", "image-folder", *options, "--run-dir", by_command)
    for name in ("metrics.jsonl", "config.json", "splits.json"):
        assert (by_command / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    _, shown, _ = trained.inside(capfd, "evaluate", by_command, "--tasks", 4, "--json")
    assert json.loads(shown) == found["result"]
    inputs = [images / "a/0.png", images / "b/1.png", "--json"]
    done = run([*COMMAND, "predict", tmp_path / "exported", *inputs])
    assert json.loads(done.stdout)["predictions"] == found["predictions"]
    recorded = json.loads((tmp_path / "run" / "results.json").read_text())
    assert recorded == [found["result"]]
    assert f"{100 * found['result']['accuracy']:.2f}%" in found["said"]


def of_tfmeta(caplog):
    """The messages without TensorFlow's own."""
    return [record.message for record in caplog.records if record.name == "tfmeta"]


def test_progress_goes_where_the_user_says(caplog):
    told = Told()
    with caplog.at_level(logging.INFO, logger="tfmeta"):
        tfmeta.evaluate(trained.glyph_run(), tasks=2, progress=told, is_recorded=False)
        assert not of_tfmeta(caplog)
        tfmeta.evaluate(trained.glyph_run(), tasks=2, is_recorded=False)
    assert told.lines == ["told  100%  2 tasks"]
    assert of_tfmeta(caplog) == ["evaluate  100%  2 tasks"]


def test_what_a_run_was_trained_on_says_little_of_what_is_new():
    told = Told()
    for split in ("train", "all", "test", "validation"):
        own = {"progress": told, "is_recorded": False, "baselines": False}
        tfmeta.evaluate(trained.glyph_run(), split=split, tasks=1, **own)
    said = [line for line in told.lines if "trained on" in line]
    assert ["train split" in line for line in said] == [True, False]
    assert "says little of what is new" in said[1]


def test_a_training_is_stopped_by_the_caller_and_goes_on(tmp_path):
    facts = {"steps": 8, "log_every": 2, "meta_batch": 2, "validation_tasks": 0}
    facts |= {"ways": (2, np.int64(3))}
    facts |= {"queries": 1, "inner_steps": 1, "network_options": {"filters": 2, "num_blocks": 1}}
    stopped = tfmeta.train("glyphs", run_dir=tmp_path / "r", should_stop=after(1), **facts)
    assert (stopped.finished, stopped.step) == (False, 2)
    going_on = tfmeta.train(run_dir=stopped, resume=True)
    assert (going_on.finished, going_on.step) == (True, 8)
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert (config["least_ways"], config["ways"], config["learner.inner_steps"]) == (2, 3, 1)
    whole = tfmeta.train("glyphs", run_dir=tmp_path / "whole", **facts)
    metrics = [(path / "metrics.jsonl").read_bytes() for path in (going_on.path, whole.path)]
    assert metrics[0] == metrics[1]


def test_a_setting_of_none_counts_when_a_run_goes_on(tmp_path):
    facts = {"steps": 2, "log_every": 2, "meta_batch": 2, "validation_tasks": 0, "queries": 1}
    facts["network_options"] = {"filters": 2, "num_blocks": 1}
    run = tfmeta.train("glyphs", run_dir=tmp_path / "r", max_minutes=60.0, **facts)
    options = ["--resume", "--run-dir", run.path, "--set", "max_minutes=null"]
    trained.call("train", *options)
    assert json.loads((run.path / "config.json").read_text())["max_minutes"] is None
    tfmeta.train(run_dir=run, resume=True, max_minutes=30.0)
    tfmeta.train(run_dir=run, resume=True, max_minutes=None)
    assert json.loads((run.path / "config.json").read_text())["max_minutes"] is None
    with pytest.raises(tfmeta.UserError, match=r"received shots=None; expected a whole number"):
        tfmeta.train(run_dir=run, resume=True, shots=None)


def test_an_inspection_says_what_training_would(images):
    options = {"size": 12, "validation": 2, "test": 2}
    found = tfmeta.inspect("image-folder", data_dir=images, ways=2, pipeline_options=options)
    assert not found  # 1 support example and 15 queries of a class, which has 6
    assert "15 queries" in str(found)
    with pytest.raises(tfmeta.UserError) as refused:
        tfmeta.train("image-folder", data_dir=images, ways=2, pipeline_options=options)
    assert str(refused.value) == found.refusals[0]
    found = tfmeta.inspect(
        "image-folder", data_dir=images, ways=2, queries=2, pipeline_options=options
    )
    assert found
    assert found["contact_sheet"]["file"] is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tfmeta.train("glyphs", way=5), "unknown setting 'way'; expected one of: pipeline"),
        (lambda: tfmeta.train("glyphs", ways=(2, 3, 4)), "received ways=.*the least and the most"),
        (lambda: tfmeta.train(resume=True), "resume=True .--resume. without run_dir"),
        (lambda: tfmeta.evaluate("nowhere"), "nowhere is no run directory"),
        (lambda: tfmeta.export(trained.glyph_run(), kind="all"), "kind='all'; expected one of: le"),
        (lambda: tfmeta.export(trained.glyph_run(), kind="adapted"), "needs its support set now"),
        (
            lambda: tfmeta.export(trained.glyph_run(), support="x"),
            "gets its support sets in requests; leave support out",
        ),
        (
            lambda: tfmeta.export(trained.glyph_run(), calibration_tasks=-1),
            "calibration_tasks=-1; expected a whole number from 0 up",
        ),
        (lambda: tfmeta.export(trained.glyph_run(), limits={"pixels": 1}), "the limits pixels"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), tasks=0), "tasks=0; expected a whole"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), tasks=2.5), "tasks=2.5; expected a whole"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), seed=-1), "seed=-1; expected a whole"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), split=""), "split"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), outer_lr=3.0), "evaluate received outer_lr;"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), task=5), "evaluate received task; expected"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), trust="no"), "trust='no'; expected True or"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), episodes=""), "episodes=''; expected a path"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), episodes=1), "episodes=1; expected a path"),
        (lambda: tfmeta.evaluate(trained.glyph_run(), progress=5), "progress=5; expected a tfmeta"),
        (lambda: tfmeta.evaluate(None), "run=None; expected a path"),
        (lambda: tfmeta.export(trained.glyph_run(), calibration=5), "export received calibration;"),
        (
            lambda: tfmeta.export(trained.glyph_run(), calibration_tasks=None),
            "tasks=None; expected",
        ),
        (lambda: tfmeta.export(trained.glyph_run(), padded_support="no"), "padded_support='no'"),
        (lambda: tfmeta.export(trained.glyph_run(), limits=5), "limits=5; expected a dictionary"),
        (lambda: tfmeta.train("glyphs", trust="no"), "trust='no'; expected True or False"),
        (lambda: tfmeta.train("glyphs", run_dir=""), "run_dir=''; expected a path"),
        (lambda: tfmeta.train("glyphs", tpu="mine"), "tpu='mine' and strategy='auto'; expected it"),
        (lambda: tfmeta.train("glyphs", ways=(None, 3)), "the least and the most"),
        (lambda: tfmeta.train("glyphs", network_options=5), "network_options=5; expected a dict"),
        (lambda: tfmeta.train("glyphs", should_stop=5), "should_stop=5; expected a function"),
        (lambda: tfmeta.verify("x", timeout="5"), "timeout='5'; expected a number of seconds"),
        (lambda: tfmeta.verify("x", timeout=-1), "timeout=-1; expected a number of seconds"),
        (lambda: tfmeta.predict("x", []), "images=.*; expected one path or more"),
        (lambda: tfmeta.predict("x", b"x.png"), "images=.*; expected one path or more"),
        (lambda: tfmeta.predict("x", [None]), "images=None; expected a path"),
        (lambda: tfmeta.inspect("glyphs", contact_sheet=5), "contact_sheet=5; expected a path"),
        (lambda: tfmeta.verify("nowhere"), "there is no export in"),
        (lambda: tfmeta.predict("nowhere", "x.png"), "there is no export in"),
        (lambda: tfmeta.predict("nowhere", np.ones((2, 2))), "there is no export in"),
        (
            lambda: tfmeta.predict("nowhere", np.array([1j, 2])),
            "images of type ndarray; expected paths, or an array of numbers",
        ),
        (lambda: tfmeta.predict("nowhere", np.array(["x.png"])), "there is no export in"),
    ],
)
def test_a_mistake_is_told_as_on_the_command_line(call, words):
    with pytest.raises(tfmeta.UserError, match=words):
        call()


def test_what_python_has_for_numbers_paths_and_lists_is_taken(images, tmp_path):
    images = shutil.copytree(images, tmp_path / "images")
    small = {"size": np.int64(12), "validation": 2, "test": 2}
    sizes = {"ways": np.int64(2), "queries": 2, "steps": np.int32(1), "validation_tasks": 0}
    run = tfmeta.train(
        "image-folder",
        data_dir=images,
        run_dir=str(tmp_path / "run"),
        algorithm="prototypical",
        pipeline_options=small,
        network_options={"filters": np.int64(2), "num_blocks": 1},
        **sizes,
    )
    result = tfmeta.evaluate(run, ways=np.int64(2), tasks=np.int64(2), data_dir=images)
    assert result["num_tasks"] == 2
    for name in "ab":
        (tmp_path / "support" / name).mkdir(parents=True)
        (tmp_path / "support" / name / "0.png").write_bytes((images / name / "0.png").read_bytes())
    given = [str(images / "a/1.png"), images / "b/1.png"]
    first = tfmeta.predict(run, given, support=tmp_path / "support")
    assert tfmeta.predict(run, iter(given), support=str(tmp_path / "support")) == first
    assert [each.image for each in first] == [str(path) for path in given]
    moved = images.rename(tmp_path / "moved")
    words = f"{run.path} was trained on {images}; if that was moved, say where to: --data-dir"
    with pytest.raises(tfmeta.UserError, match=words):
        tfmeta.evaluate(run, ways=2, tasks=2)
    assert tfmeta.evaluate(run, ways=2, tasks=2, data_dir=moved).facts == result.facts
