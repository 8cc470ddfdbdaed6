"""The command line: what it prints where, its settings, and one clear line for every mistake."""

import json
import shutil
import sys
import zipfile

import pytest
import trained
from click.testing import CliRunner

from tfmeta.cli import main
from tfmeta.learners import ALGORITHMS
from tfmeta.pipelines import PIPELINES, options_of

COMMANDS = (
    "inspect",
    "train",
    "replay",
    "optima",
    "episodes",
    "evaluate",
    "export",
    "verify",
    "predict",
    "algorithms",
    "pipelines",
)


@pytest.fixture
def fails(capfd):
    """Runs a command that must fail in one line on standard error; returns that line."""

    def run(*arguments, status=2):
        received, output, errors = trained.inside(capfd, *arguments)
        assert received == status, errors
        assert output == ""
        (line,) = errors.splitlines()
        assert line.startswith("Error: ")
        return line

    return run


@pytest.fixture
def prints_config(capfd):
    """Runs `tfmeta train ... --print-config`; returns what it prints."""

    def run(*arguments):
        status, output, errors = trained.inside(capfd, "train", *arguments, "--print-config")
        assert (status, errors) == (0, "")
        return json.loads(output)

    return run


def error_line(done, status):
    """The one line of a process that failed."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


# Help and lists


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command):
    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("Usage: main " + command)
    if not command:
        assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


def test_no_command_is_left_out_of_the_help_tests():
    assert tuple(main.commands) == COMMANDS


def test_help_and_lists_import_nothing_slow():
    """What makes them answer in a fraction of a second, on a busy machine too."""
    code = (
        "import sys\nfrom tfmeta.cli import main\n"
        f"for command in {COMMANDS!r}:\n"
        "    main([command, '--help'], standalone_mode=False)\n"
        "for command in ('algorithms', 'pipelines'):\n"
        "    main([command], standalone_mode=False)\n"
        "print('imported:', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = trained.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert "click" in imported
    slow = {"tensorflow", "keras", "tensorflow_datasets", "numpy", "PIL", "scipy", "sklearn"}
    assert not imported & (slow | {"rich", "google", "grpc"})


@pytest.mark.parametrize(
    ("command", "known"), [("algorithms", ALGORITHMS), ("pipelines", PIPELINES)]
)
def test_lists_have_a_line_for_each(command, known, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    result = CliRunner().invoke(main, [command])
    assert (result.exit_code, result.stderr) == (0, "")
    shown = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    lines = dict(line.split(maxsplit=1) for line in shown)
    assert lines.pop("tfds:NAME", None) is None or command == "pipelines"
    assert lines == {name: each.summary for name, each in known.items()}


def test_pipelines_are_listed_with_their_options_as_their_builders_have_them():
    listed = json.loads(CliRunner().invoke(main, ["pipelines", "--json"]).stdout)
    for name in PIPELINES:
        assert listed[name]["options"] == options_of(name)
    assert listed["tfds:NAME"]["options"] == options_of("tfds:omniglot")
    assert listed["image-folder"]["options"]["validation"] == 0.16


def test_version():
    import tfmeta

    result = CliRunner().invoke(main, ["--version"])
    assert result.stdout == f"tfmeta, version {tfmeta.__version__}\n"


# Settings


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
        (["sinusoid", "--set", "learner.depth=3"], ["maml", "'depth'", "inner_steps"]),
        (["sinusoid", "--set", "pipeline.noise=1"], ["sinusoid", "'noise'", "none"]),
        (["sinusoid", "--set", "network.width=1"], ["cannot build the learner", "width"]),
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
        (["sinusoid", "--resume"], ["--resume needs", "--run-dir"]),
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
        (["predict", "run"], "IMAGE..."),
        (["learn"], "'learn'"),
    ],
)
def test_what_the_parser_refuses(arguments, named):
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    error = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert named in error[0]
    assert result.stderr.splitlines()[-1] == error[0]


# Data that does not fit


THREE_CLASSES = """
import numpy as np
from tfmeta.reading.images import ImageFormat
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource

def build(*, data_dir=None, examples: int = 20):
    images = np.zeros((9 * examples, 8, 8, 1), np.uint8)
    labels = np.repeat(np.arange(9), examples)
    splits = {s: np.arange(3) + 3 * i for i, s in enumerate(("train", "validation", "test"))}
    names = tuple(f"class-{i}" for i in range(9))
    index = ClassIndex(images, labels, splits, names)
    return ClassSource("three", index, image_format=ImageFormat(8, 8))
"""


@pytest.fixture
def three_classes(tmp_path, monkeypatch):
    """Puts a pipeline `mine.three:build` of three classes a split on the path; gives its folder."""
    package = tmp_path / "path" / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "three.py").write_text(THREE_CLASSES)
    monkeypatch.syspath_prepend(package.parent)
    yield package.parent
    for name in ("mine.three", "mine"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("three_classes")
def test_five_ways_from_three_classes(fails, tmp_path):
    line = fails("train", "mine.three:build", "--run-dir", tmp_path / "run")
    for part in ("5 ways", "train split of three has 3", "Lower --ways"):
        assert part in line
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("three_classes")
@pytest.mark.parametrize("option", ["--shots", "--queries"])
def test_more_shots_than_images(option, fails, tmp_path):
    arguments = ["--ways", 3, "--shots", 1, "--queries", 1, option, 20]
    line = fails("train", "mine.three:build", *arguments, "--run-dir", tmp_path / "run")
    # Training asks for as many queries as the learner's recipe; validation for the user's.
    first = {"--shots": "class-0: 20", "--queries": "class-3: 20"}[option]
    for part in ("need 21 examples a class", first, "Lower --shots or --queries"):
        assert part in line
    assert not (tmp_path / "run").exists()


def test_a_validation_split_that_alone_is_too_small(three_classes, fails, tmp_path):
    source = three_classes / "mine" / "three.py"
    source.write_text(source.read_text().replace("3) + 3 * i", "3 - (i == 1)) + 3 * i"))
    line = fails("train", "mine.three:build", "--ways", 3, "--run-dir", tmp_path / "run")
    assert "validation split of three has 2" in line
    assert "--set validation_tasks=0" in line


def test_omniglot_that_is_not_there(fails, tmp_path):
    line = fails("train", "omniglot", "--data-dir", tmp_path / "data")
    assert f"Omniglot is not in {tmp_path / 'data'}" in line
    assert "--data-dir" in line
    assert not (tmp_path / "data").exists()


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
    assert "--resume can change only steps" in line
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


# Exports


def test_verify_without_an_export(fails, tmp_path):
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "1"):
        line = fails("verify", path)
        assert f"there is no export in {path}" in line
        assert "tfmeta export" in line


def test_export_below_a_file(fails, tmp_path):
    (tmp_path / "file").touch()
    arguments = [trained.sinusoid_run(), "--output", tmp_path / "file" / "model"]
    line = fails("export", *arguments, status=1)
    assert f"cannot write {tmp_path / 'file' / 'model'}" in line
    assert "--output" in line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_adapted_needs_a_support_set(fails, tmp_path):
    arguments = ["--kind", "adapted", "--output", tmp_path / "model"]
    assert "--support DIR" in fails("export", trained.glyph_run(), *arguments)
    assert not list(tmp_path.iterdir())


@pytest.fixture(params=["text", "empty", "cut short"])
def spoilt_support(request, tmp_path):
    """A support folder with one file that is no image: `(folder, file)`."""
    folder = tmp_path / "support"
    shutil.copytree(trained.support_folder(), folder)
    file = folder / "cross" / "1.png"
    content = {"text": b"no image", "empty": b"", "cut short": file.read_bytes()[:60]}
    file.write_bytes(content[request.param])
    return folder, file


def test_a_support_folder_with_a_file_that_is_no_image(spoilt_support, fails, tmp_path):
    folder, file = spoilt_support
    output = ["--output", tmp_path / "model"]
    support = ["--support", folder]
    for line in (
        fails("export", trained.glyph_run(), "--kind", "adapted", *support, *output),
        fails("predict", trained.glyph_run(), *trained.query_files(), *support),
    ):
        assert str(file) in line
        assert "PNG" in line
    assert not (tmp_path / "model").exists()


def test_predicting_for_a_file_that_is_no_image(fails, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    support = ["--support", trained.support_folder()]
    for path in (tmp_path / "notes.png", tmp_path / "nothing.png", tmp_path):
        assert str(path) in fails("predict", trained.glyph_run(), path, *support)


def test_predicting_with_a_model_that_takes_no_images(fails):
    support = ["--support", trained.support_folder()]
    line = fails("predict", trained.sinusoid_run(), *trained.query_files(), *support)
    assert f"{trained.sinusoid_run()} takes no images" in line
    arguments = [trained.sinusoid_export(), *trained.query_files(), *support]
    line = error_line(trained.tfmeta("predict", *arguments), status=2)
    assert f"{trained.sinusoid_export()} takes no images" in line


def test_predicting_with_what_is_no_model(fails, tmp_path):
    assert f"there is no export in {tmp_path}" in fails("predict", tmp_path, *trained.query_files())


# The dry run


def test_dry_run_goes_all_the_way_and_leaves_nothing(tmp_path):
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    arguments = ["--queries", 1, "--meta-batch", 2, *trained.SMALL]
    arguments += ["--set", "learner.test_inner_steps=1", "--dry-run"]
    done = trained.tfmeta("train", "glyphs", *arguments, cwd=here, TMPDIR=temporary)
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("dry run: built, trained one step, exported, verified in")
    assert not [*here.iterdir(), *temporary.iterdir()]
