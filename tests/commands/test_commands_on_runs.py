"""Commands that write or read a run: one clear line for every mistake."""

import json
import shutil
import zipfile

import pytest
import trained
from nightly import second_road
from trained import error_line

# Runs


def test_a_run_that_exists_is_not_touched(fails):
    run = trained.sinusoid_run()
    before = trained.contents(run)
    line = fails("train", "sinusoid", "--steps", 1, "--run-dir", run)
    assert f"run directory {run} exists" in line
    assert "--resume" in line
    assert trained.contents(run) == before


def test_a_run_directory_below_a_file(fails, tmp_path):
    (tmp_path / "file").touch()
    run = tmp_path / "file" / "run"
    line = fails("train", "sinusoid", "--steps", 1, "--run-dir", run, status=1)
    assert f"cannot write {run}: Not a directory" in line


def truncate(checkpoint):
    checkpoint.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])


def flip_a_weight(checkpoint):
    weights = zipfile.ZipFile(checkpoint).getinfo("model.weights.h5")
    trained.flip_byte(checkpoint, weights.header_offset + 30 + weights.compress_size // 2)


def flip_the_configuration(checkpoint):
    config = zipfile.ZipFile(checkpoint).getinfo("config.json")
    trained.flip_byte(checkpoint, config.header_offset + 60)


def empty(checkpoint):
    checkpoint.write_bytes(b"")


@pytest.fixture
def damaged_run(tmp_path, request):
    run = tmp_path / "run"
    shutil.copytree(trained.sinusoid_run(), run)
    (checkpoint,) = (run / "checkpoints").iterdir()
    request.param(checkpoint)
    return run


@pytest.mark.parametrize(
    "damaged_run", [truncate, flip_a_weight, flip_the_configuration, empty], indirect=True
)
def test_a_damaged_checkpoint(damaged_run, fails):
    before = trained.contents(damaged_run)
    for arguments in (
        ["evaluate", damaged_run, "--tasks", 2],
        ["train", "--resume", "--run-dir", damaged_run, "--steps", 30],
        ["export", damaged_run, "--output", damaged_run.parent / "exported"],
    ):
        line = fails(*arguments, status=1)
        assert f"checkpoint {damaged_run}" in line
        assert "is damaged" in line
    assert trained.contents(damaged_run) == before
    assert not (damaged_run.parent / "exported").exists()


@second_road("tests/commands/test_commands_on_runs.py::test_a_damaged_checkpoint")
@pytest.mark.parametrize("damaged_run", [flip_a_weight], indirect=True)
def test_a_damaged_checkpoint_in_a_fresh_process(damaged_run):
    line = error_line(trained.tfmeta("evaluate", damaged_run), status=1)
    assert "is damaged" in line


@pytest.mark.parametrize("file", ["config.json", "source.json", "progress.json"])
def test_a_run_whose_other_files_are_damaged(file, capfd, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.sinusoid_run(), run)
    command = ["export", run, "--output", tmp_path / "out"]
    if file == "progress.json":
        trained.as_of_before(run)
        command = ["train", "--resume", "--run-dir", run, "--steps", 30]
    (run / file).write_text('{"half": ')
    status, _, errors = trained.inside(capfd, *command)
    assert status in (1, 2)
    (line,) = errors.splitlines()
    assert line.startswith("Error: ")
    assert file in line


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_a_folder_that_is_no_run(command, fails, tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        assert f"{path} is no run directory" in fails(command, path)


def test_resuming_what_is_no_run(fails, tmp_path):
    line = fails("train", "--resume", "--run-dir", tmp_path / "nothing")
    assert f"{tmp_path / 'nothing'} is no run directory" in line
    assert not list(tmp_path.iterdir())


def test_resuming_with_another_setting(fails):
    before = trained.contents(trained.sinusoid_run())
    line = fails("train", "--resume", "--run-dir", trained.sinusoid_run(), "--shots", 9)
    assert "started with shots=5; received 9" in line
    assert "a run that goes on can change only steps" in line
    assert trained.contents(trained.sinusoid_run()) == before


def test_evaluate_prints_one_json_object_of_the_contracts_keys(capfd, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.glyph_run(), run)
    status, output, _ = trained.inside(capfd, "evaluate", run, "--tasks", 4, "--json")
    assert status == 0
    result = json.loads(output)
    assert output.count("\n") == 1
    assert 0 <= result["accuracy"] <= 1
    assert result["ci95"] >= 0
    assert len(result["episodes_sha256"]) == 64
    protocol = {"num_tasks": 4, "num_ways": 5, "num_shots": 1, "num_queries": 1}
    assert result.items() >= {**protocol, "split": "test", "mode": "inductive"}.items()
    assert json.loads((run / "results.json").read_text()) == [result]


def test_evaluate_says_of_which_checkpoint(capfd, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.glyph_run(), run)
    options = ["--tasks", 2, "--no-baselines", "--checkpoint", "last"]
    status, output, _ = trained.inside(capfd, "evaluate", run, *options)
    (result,) = json.loads((run / "results.json").read_text())
    assert status == 0
    assert f"; last checkpoint, of step {result['step']}" in output


def test_evaluating_more_ways_than_the_learner_answers(fails):
    line = fails("evaluate", trained.glyph_run(), "--ways", 6)
    assert "received 6 ways; this learner answers 5" in line


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--split", "training"], "unknown split 'training'"),
        (["--set", "ways=3"], "received --set ways; expected an option of the pipeline's"),
        (["--pipeline", "omniglut"], "unknown pipeline 'omniglut'"),
    ],
)
def test_evaluating_what_there_is_not(arguments, part, fails):
    assert part in fails("evaluate", trained.sinusoid_run(), *arguments)


# The dry run


def test_dry_run_goes_all_the_way_and_leaves_nothing(tmp_path):
    """In a process of its own: TensorFlow removes some temporary files only when it ends."""
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    arguments = ["--shots", 2, "--meta-batch", 2, "--set", "network.units=[4]"]
    arguments += [*trained.WITHOUT_XLA, "--inner-steps", 3, "--recompute", "--dry-run"]
    done = trained.tfmeta("train", "sinusoid", *arguments, cwd=here, TMPDIR=temporary)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    line, forecast, *_ = done.stderr.splitlines()
    assert "per step, validations aside, the 100,000 steps left take about" in forecast
    assert line.startswith("dry run: built, trained, exported, verified in")
    assert not [*here.iterdir(), *temporary.iterdir()]
