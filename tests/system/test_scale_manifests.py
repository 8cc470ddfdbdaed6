"""The manifests of the guide's page on many machines: their shell makes a worker's TF_CONFIG."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tfmeta.training.cluster import Cluster

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "scale.md").read_text()


def slurm():
    script = re.search(r"```bash\n(#!/bin/bash.*?)```", PAGE, re.DOTALL)[1]
    subprocess.run(["bash", "-n", "-c", script], check=True)
    return re.search(r"bash -c '\n(.*?)'\n", script, re.DOTALL)[1]


def jobset():
    manifest = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert manifest["kind"] == "JobSet"
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    assert job["completionMode"] == "Indexed"
    assert job["completions"] == job["parallelism"] == 2
    (container,) = job["template"]["spec"]["containers"]
    return container["args"][0]


@pytest.mark.parametrize(
    ("script", "given", "addresses"),
    [
        (slurm, {"HOSTS": "a b", "SLURM_PROCID": "1", "RUN": "/none"}, ("a:2222", "b:2222")),
        (
            jobset,
            {"JOB_COMPLETION_INDEX": "1"},
            # JobSet's names: JOBSET-JOB-NUMBER-INDEX.SUBDOMAIN
            ("tfmeta-workers-0-0.tfmeta:2222", "tfmeta-workers-0-1.tfmeta:2222"),
        ),
    ],
)
def test_a_manifest_names_its_workers(script, given, addresses, monkeypatch):
    # What would train says what it was given.
    shell = script().replace("exec tfmeta train", 'exec echo "$TF_CONFIG" #')
    done = subprocess.run(
        ["bash", "-euc", shell], env={**os.environ, **given}, capture_output=True, text=True
    )
    monkeypatch.setenv("TF_CONFIG", done.stdout)
    assert Cluster.from_environment() == Cluster(addresses, 1), done.stderr
