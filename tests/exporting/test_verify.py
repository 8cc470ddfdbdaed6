"""`tfmeta verify` passes good exports and names damaged files."""

import json
import shutil
import sys

import made_once
import pytest
import trained
from nightly import rows
from verified import CHECKS, WARM_UP, WEIGHTS, failures, verify

from tfmeta import UserError
from tfmeta.exporting.verifying.verification import newest_version
from tfmeta.exporting.verifying.verifier import CheckFailed, Verifier


# `learner`, the largest, is verified of every algorithm in test_conformance.py.
@rows("kind", ["learner", "adapted", "sinusoid"], each_run=["adapted", "sinusoid"])
def test_a_good_export_passes_every_check(kind):
    export = getattr(trained, f"{kind}_export")()
    before = trained.contents(export)
    report = verify(export)
    assert [check["check"] for check in report["checks"]] == CHECKS
    assert all(check["ok"] is True and check["detail"] for check in report["checks"]), report
    assert report["ok"] is True
    assert report["export"] == str(export / "1")
    assert trained.contents(export) == before


def test_the_newest_version_is_verified_or_the_one_that_is_named(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    shutil.copytree(version, tmp_path / "10")
    trained.flip_byte(version / WEIGHTS, 100)
    assert verify(tmp_path)["export"] == str(tmp_path / "10")
    assert verify(tmp_path)["ok"]
    assert "files" in failures(version)


def test_a_model_may_be_called_by_a_number_and_a_version_by_a_dot(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path / "2024")
    assert failures(tmp_path / "2024") == {}
    done = trained.tfmeta("verify", ".", cwd=version)
    assert done.returncode == 0, done.stderr


def test_without_json_the_table_is_on_standard_error(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    done = trained.tfmeta("verify", version)
    assert (done.returncode, done.stdout) == (0, "")
    assert all(check in done.stderr for check in CHECKS)
    assert "FAILS" not in done.stderr
    (version / WARM_UP).unlink()
    done = trained.tfmeta("verify", version)
    assert (done.returncode, done.stdout) == (1, "")
    assert "FAILS" in done.stderr
    assert WARM_UP in done.stderr
    assert "Traceback" not in done.stderr


# Damaged files


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_one_flipped_byte_of_the_weights_is_found(kind, tmp_path):
    version = trained.copy_of(getattr(trained, f"{kind}_export")(), tmp_path)
    trained.flip_byte(version / WEIGHTS, (version / WEIGHTS).stat().st_size // 2)
    failed = failures(tmp_path)
    assert failed.keys() == {"files"}
    assert WEIGHTS in failed["files"]
    assert "not what was exported" in failed["files"]


@pytest.mark.parametrize(
    "file", [WARM_UP, "batching_params.pbtxt", "README.md", "variables/variables.index"]
)
def test_a_missing_file_is_named(file, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    (version / file).unlink()
    assert failures(tmp_path) == {"files": f"{file} is missing. Export again"}


def test_a_folder_of_classes_that_are_numbers_is_no_export(tmp_path):
    for digit in "0", "1":
        (tmp_path / digit).mkdir()
    with pytest.raises(UserError, match="there is no export in "):
        newest_version(tmp_path)


@pytest.mark.parametrize("damage", ["removed", "cut short", "not an object"])
def test_a_damaged_manifest_is_named(damage, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    manifest = version / "tfmeta.json"
    if damage == "removed":
        manifest.unlink()
    elif damage == "cut short":
        manifest.write_text(manifest.read_text()[:50])
    else:
        manifest.write_text("[]")
    failed = failures(tmp_path)
    assert failed.keys() == {"files"}
    assert "tfmeta.json is missing or damaged" in failed["files"]


@pytest.mark.parametrize("name", ["latest", "v1", "1.0"])
def test_a_version_that_is_no_number_fails(name, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    version.rename(tmp_path / name)
    failed = failures(tmp_path / name)
    assert failed.keys() == {"files"}
    assert repr(name) in failed["files"]


@pytest.mark.parametrize("file", ["saved_model.pb", WARM_UP, WEIGHTS])
def test_a_file_cut_short_before_its_digest_was_taken_fails(file, tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    content = (version / file).read_bytes()
    (version / file).write_bytes(content[: len(content) // 2])
    trained.rewrite_manifest(version)
    assert failures(tmp_path)


# The process


def test_the_verifier_never_imports_tensorflows_python():
    command = [sys.executable, "-X", "importtime", "-m", "tfmeta.exporting.verifying.verifier"]
    done = trained.run([*command, trained.sinusoid_export() / "1"])
    assert json.loads(done.stdout)["ok"]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tensorflow.core.protobuf.saved_model_pb2" in imported
    assert not {name for name in imported if name.startswith(("tensorflow.python", "keras"))}


def test_the_check_for_tensorflows_python_can_fail():
    with pytest.raises(CheckFailed, match=r"TensorFlow's Python was loaded"):
        Verifier(made_once.folder()).check_no_python()
