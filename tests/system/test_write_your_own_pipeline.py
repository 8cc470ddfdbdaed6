"""The guide's "write your own pipeline": run from its text, installed as a package of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tfmeta.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "your-own-pipeline.md"
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The page's example, as the folder of a Python project."""
    ((_, code), (_, build)) = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    folder = tmp_path_factory.mktemp("rings") / "project"
    folder.mkdir()
    (folder / "rings.py").write_text(code)
    (folder / "pyproject.toml").write_text(build)
    return folder


@pytest.fixture(scope="module")
def installed(project):
    """Where it is installed, apart from everything else."""
    site = project.parent / "site"
    pip = [sys.executable, "-m", "pip", "install", *OFFLINE, "--target", str(site), str(project)]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(pip, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`tfmeta` in this process, in a folder of its own: its standard output, if it succeeds."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, status=0):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == status, done.output
        return done.stdout if status == 0 else done.stderr

    yield run
    sys.modules.pop("rings", None)


def test_installed_it_is_a_name_for_every_command(installed, command, monkeypatch):
    monkeypatch.syspath_prepend(str(installed))
    listed = json.loads(command("pipelines", "--json"))
    assert listed["rings"]["options"] == {"num_classes": 40, "split_seed": 0}
    report = json.loads(command("inspect", "rings", "--set", "pipeline.num_classes=60", "--json"))
    assert sum(split["classes"] for split in report["splits"].values()) == 60
    options = ["--algorithm", "prototypical", "--steps", "60", "--set", "train_ways=10"]
    command("train", "rings", *options, "--run-dir", "runs/rings")
    result = json.loads(command("evaluate", "runs/rings", "--tasks", "100", "--json"))
    assert result["accuracy"] > 0.5  # one in five by chance


def test_a_module_is_enough(project, command, monkeypatch):
    monkeypatch.syspath_prepend(str(project))
    options = ["--tasks", "3", "--output", "rings.episodes", "--json"]
    protocol = json.loads(command("episodes", "rings:build", *options))
    assert protocol["source"]["name"] == "rings"


def test_not_installed_its_name_is_unknown(command):
    assert "unknown pipeline 'rings'" in command("train", "rings", status=2)
