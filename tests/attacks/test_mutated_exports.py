"""Many mutated exports, each verified, and loaded as `predict` loads it."""

import json
import sys
from pathlib import Path

import pytest
import trained
from mutations import NUMBER

PROGRAM = Path(__file__).with_name("mutated_exports.py")


@pytest.mark.attack(
    "mutated exports: bytes, files, manifests, graphs, with their digests made right",
    "taken or refused, in less than 10 s and 1 GiB; no code runs and no file is written",
)
def test_mutated_exports(tmp_path):
    canary = tmp_path / "canary"
    before = trained.contents(trained.sinusoid_export())
    done = trained.run(
        [sys.executable, PROGRAM, trained.version_of(trained.sinusoid_export()), NUMBER, canary],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == NUMBER
    assert not [each for each in results if each["status"] == 3]
    assert not [each for each in results if each["seconds"] > 10 or each["mebibytes"] > 1024]
    assert {each["status"] for each in results} >= {1}
    assert not list(tmp_path.iterdir())
    assert trained.contents(trained.sinusoid_export()) == before
