"""A run's settings from options, assignments and a file, and what is refused among them."""

import json

import pytest
import trained
from click.testing import CliRunner
from nightly import second_road

from tfmeta.cli import main

# Settings


@second_road(
    "tests/commands/test_command_settings.py"
    "::test_printed_settings_fed_back_give_the_same_settings",
    "tests/commands/test_quiet_start.py::test_it_starts_tensorflow_quietly",
    "tests/workflows/test_predict.py"
    "::test_json_is_alone_on_standard_output_and_tensorflow_starts_quietly",
)
def test_print_config_is_one_json_object_and_starts_tensorflow_quietly():
    done = trained.tfmeta("train", "sinusoid", "--print-config")
    assert (done.returncode, done.stderr) == (0, "")
    config = json.loads(done.stdout)
    assert config["pipeline"] == "sinusoid"
    assert config["ways"] == 1
    assert config["steps"] == 100_000  # of the recipe
    assert config["learner.inner_steps"] == 1


def test_printed_settings_fed_back_give_the_same_settings(prints_config, tmp_path):
    arguments = ["--shots", 3, "--inner-lr", 0.2, "--transductive", "--seed", 7]
    arguments += ["--set", "pipeline.rotations=true", *trained.SMALL]
    config = prints_config("glyphs", *arguments)
    assert config["shots"] == 3
    assert config["learner.inner_learning_rate"] == 0.2
    assert config["transductive"] is True
    assert config["pipeline.rotations"] is True
    assert config["network.filters"] == 8
    (tmp_path / "settings.json").write_text(json.dumps(config))
    assert prints_config("--config", tmp_path / "settings.json") == config


def test_a_runs_config_is_what_print_config_shows(prints_config):
    config = trained.glyph_run() / "config.json"
    assert prints_config("--config", config) == json.loads(config.read_text())


def test_options_and_assignments_go_before_the_file(prints_config, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"pipeline": "sinusoid", "shots": 3, "seed": 4, "queries": 6}))
    config = prints_config("--config", file, "--shots", 2, "--set", "seed=9")
    assert (config["shots"], config["seed"], config["queries"]) == (2, 9, 6)


def test_an_option_of_false_goes_before_the_file(prints_config, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"pipeline": "sinusoid", "transductive": True}))
    assert prints_config("--config", file)["transductive"] is True
    assert prints_config("--config", file, "--inductive")["transductive"] is False
    file.write_text(json.dumps({"pipeline": "sinusoid", "learner.recompute": True}))
    assert prints_config("--config", file)["learner.recompute"] is True
    assert prints_config("--config", file, "--no-recompute")["learner.recompute"] is False


def test_set_reads_numbers_and_text(prints_config):
    arguments = ["--set", "outer_schedule=constant", "--set", "outer_lr=2e-3"]
    config = prints_config("sinusoid", *arguments, "--set", "network.units=[8, 8]")
    assert config["outer_schedule"] == "constant"
    assert config["outer_lr"] == 0.002
    assert config["network.units"] == [8, 8]


def test_minutes_alone_set_the_budget(prints_config):
    config = prints_config("sinusoid", "--max-minutes", 2)
    assert (config["steps"], config["max_minutes"]) == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["sinusoid", "--set", "shot=5"], ["unknown setting 'shot'", "shots", "learner.NAME"]),
        (["sinusoid", "--set", "shots"], ["--set 'shots'", "key=value"]),
        (["sinusoid", "--shots", 0], ["shots=0", "from 1 up"]),
        (["sinusoid", "--set", "shots=two"], ["shots='two'", "whole number"]),
        (["sinusoid", "--set", "outer_lr=-1"], ["outer_lr=-1", "positive"]),
        (["sinusoid", "--set", "outer_schedule=step"], ["'step'", "'linear' or 'constant'"]),
        (["sinusoid", "--inner-steps", 0], ["inner_steps=0", "from 1 up"]),
        (["sinusoid", "--inner-lr", 0], ["inner_learning_rate=0", "positive"]),
        (["sinusoid", "--algorithm", "reptile", "--recompute"], ["recompute=True", "Reptile"]),
        (["sinusoid", "--set", "learner.depth=3"], ["maml", "'depth'", "inner_steps"]),
        (["sinusoid", "--set", "pipeline.noise=1"], ["sinusoid", "'noise'", "none"]),
        (["sinusoid", "--set", "network.width=1"], ["has no option", "width"]),
        (["sinusoid", "--set", "network=vgg"], ["unknown network 'vgg'", "conv4"]),
        (["sinusoid", "--set", "seed=one"], ["seed='one'", "whole number"]),
        (["sinusoid", "--set", "validation_tasks=few"], ["validation_tasks='few'"]),
        (["sinusoid", "--set", "validation_tasks=-1"], ["validation_tasks=-1"]),
        (["sinusoid", "--set", "transductive=maybe"], ["transductive='maybe'"]),
        (["sinusoid", "--set", "network=5"], ["network", "5"]),
        (["sinusoid", "--strategy", "warp"], ["unknown strategy 'warp'", "mirrored"]),
        (["sinusoid", "--algorithm", "mamba"], ["unknown algorithm 'mamba'", "maml, fomaml"]),
        (["omniglut"], ["unknown pipeline 'omniglut'", "omniglot", "package.module:builder"]),
        (["nothing:build"], ["cannot load pipeline 'nothing:build'", "nothing"]),
        (["json:nothing"], ["cannot load pipeline 'json:nothing'", "nothing"]),
        ([], ["received no pipeline", "tfmeta pipelines"]),
        (["sinusoid", "--ways", 5], ["sinusoid is a regression", "leave --ways"]),
        (["sinusoid", "--resume"], ["--resume", "without run_dir (--run-dir)"]),
        (["sinusoid", "--config", "none.json"], ["none.json", "No such file"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_train_refuses_in_a_line_and_leaves_nothing(arguments, parts, fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = fails("train", *arguments, "--steps", 1)  # no more, should it be accepted
    for part in parts:
        assert part in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[1, 2]", '{"shots": ', "shots: 5"])
def test_a_settings_file_that_is_no_object_is_refused(text, fails, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(text)
    assert str(file) in fails("train", "sinusoid", "--config", file)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "sinusoid", "--shot-count", "5"], "--shot-count"),
        (["train", "sinusoid", "--shots", "many"], "'many'"),
        (["export", "run", "--kind", "frozen"], "'frozen'"),
        (["evaluate"], "RUN_DIR"),
        (
            ["predict", "run", "--support", "s"],
            "received no INPUT; expected what is",
        ),
        (["teach"], "'teach'"),
        (["learn"], "FOLDER|FILE"),
    ],
)
def test_what_the_parser_refuses(arguments, named):
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    error = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert named in error[0]
    assert result.stderr.splitlines()[-1] == error[0]
