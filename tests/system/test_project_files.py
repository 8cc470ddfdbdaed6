"""Files about the project, for GitHub and pip: they parse, and name what there is."""

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

import tfmeta

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def steps(workflow):
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_whole_and_runs_targets_that_exist(workflow):
    # YAML 1.1 reads the key `on` as true.
    assert {"name", True, "permissions", "jobs"} <= set(yaml.safe_load(workflow.read_text()))
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        if "run" in step and workflow.stem != "audit":
            target = re.fullmatch(r"make (\w+) PYTHON=python", step["run"])
            assert target, step["run"]
            assert target[1] in TARGETS


def test_every_supported_python_is_tested():
    (ci,) = (path for path in WORKFLOWS if path.stem == "ci")
    matrix = yaml.safe_load(ci.read_text())["jobs"]["test"]["strategy"]["matrix"]["python"]
    classifiers = metadata("tfmeta").get_all("Classifier")
    assert matrix == [line.rsplit(" ", 1)[1] for line in classifiers if ":: 3." in line]


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_whole(form):
    content = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(content)
    fields = [entry for entry in content["body"] if entry["type"] != "markdown"]
    assert len({entry["id"] for entry in fields}) == len(fields)
    assert all(entry["attributes"]["label"] for entry in fields)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == tfmeta.__version__
    assert citation["license"] == metadata("tfmeta")["License-Expression"]


def test_the_changelog_has_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[([\d.]+)\]", changelog, re.MULTILINE)
    assert versions[0] == tfmeta.__version__
    assert versions == sorted(versions, key=lambda v: [*map(int, v.split("."))], reverse=True)
