"""The README's "write your own pipeline": run from its text, installed as a package of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trained import tfmeta

README = Path(__file__).parents[1] / "README.md"
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The README's example, as the folder of a Python project."""
    section = README.read_text().split("## Write your own pipeline")[1].split("\n## ")[0]
    ((_, code), (_, build)) = re.findall(r"```(python|toml)\n(.*?)```", section, re.DOTALL)
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


def run(*arguments, cwd, PYTHONPATH):
    done = tfmeta(*arguments, cwd=cwd, PYTHONPATH=PYTHONPATH)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_it_is_a_name_for_every_command(installed, tmp_path):
    def command(*arguments):
        return run(*arguments, cwd=tmp_path, PYTHONPATH=installed)

    listed = json.loads(command("pipelines", "--json"))
    assert listed["rings"]["options"] == {"num_classes": 40, "split_seed": 0}
    report = json.loads(command("inspect", "rings", "--set", "pipeline.num_classes=60", "--json"))
    assert (
        sum(
            len(split["classes"]) if isinstance(split["classes"], list) else split["classes"]
            for split in report["splits"].values()
        )
        == 60
    )
    options = ["--algorithm", "prototypical", "--steps", "60", "--set", "train_ways=10"]
    command("train", "rings", *options, "--run-dir", "runs/rings")
    result = json.loads(command("evaluate", "runs/rings", "--tasks", "100", "--json"))
    assert result["accuracy"] > 0.5  # one in five by chance


def test_a_module_is_enough(project, tmp_path):
    command = ["episodes", "rings:build", "--tasks", "3", "--output", "rings.episodes", "--json"]
    protocol = json.loads(run(*command, cwd=tmp_path, PYTHONPATH=project))
    assert protocol["source"]["name"] == "rings"


def test_not_installed_its_name_is_unknown(tmp_path):
    done = tfmeta("train", "rings", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown pipeline 'rings'" in done.stderr
