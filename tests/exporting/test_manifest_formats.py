"""Manifests of the format before, which said nothing of formats, are read; newer ones are not."""

import json
import re

import model_answers
import numpy as np
import pytest
import trained
from hand_made import rewrite_warm_up
from verified import failures

from tfmeta.errors import UserError
from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.loading.tensor_protos import from_proto, to_proto
from tfmeta.exporting.manifest import Manifest
from tfmeta.typed_fields import with_digest


def rewritten(version, **changes):
    """The manifest with these keys, of which None takes one out, and a right digest."""
    facts = {**json.loads((version / MANIFEST).read_text()), **changes}
    facts = {key: value for key, value in facts.items() if key != "format" or value is not None}
    del facts["sha256"]
    (version / MANIFEST).write_text(json.dumps(with_digest(facts, without=["files"])))


def test_a_new_export_says_its_format():
    assert json.loads((trained.adapted_export() / "1" / MANIFEST).read_text())["format"] == 2


@pytest.mark.usefixtures("kept_exports")
def test_an_export_without_a_format_verifies_and_answers_as_before(tmp_path, capfd):
    version, new = trained.copy_of(trained.sinusoid_export(), tmp_path), trained.sinusoid_export()
    rewritten(version, format=None)
    assert "format" not in json.loads((version / MANIFEST).read_text())
    assert Manifest.read(version) == Manifest.read(new / "1")
    assert model_answers.checked(version)["ok"]
    x = np.linspace(-5, 5, 5, dtype=np.float32)[:, np.newaxis]
    np.savez(tmp_path / "support.npz", x=x, y=np.sin(x))
    np.savez(tmp_path / "queries.npz", x=x[:2])
    arguments = [tmp_path / "queries.npz", "--support", tmp_path / "support.npz", "--json"]
    old, new = (trained.inside(capfd, "predict", each, *arguments) for each in (version, new))
    assert old == new
    assert old[0] == 0


def test_an_export_may_say_how_far_its_answers_may_be_but_not_any_distance(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)

    def move(log):  # by more than is usual
        for output in log.response.outputs.values():
            moved = from_proto(output)
            output.CopyFrom(to_proto(moved + np.float32(1e-4) * np.maximum(1, np.abs(moved))))

    rewrite_warm_up(version, move)
    assert re.search("differs by 1.0e-04; expected at most 1e-05", failures(version)["warm_up"])
    rewritten(version, tolerance=2e-4)
    assert failures(version) == {}
    rewritten(version, tolerance=0.1)
    assert "allows a difference of 1.0e-01; expected at most 1e-03" in failures(version)["warm_up"]


def test_a_newer_format_is_refused_with_what_to_do(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    rewritten(version, format=3)
    with pytest.raises(UserError, match=r"is of format 3.*up to 2.*pip install --upgrade tfmeta"):
        Manifest.read(version)
    done = trained.tfmeta("predict", version, trained.query_files()[0])
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert re.search(r"format 3.*export again with this version", line)


@pytest.mark.parametrize("number", [0, -1, "2", 2.0, True, None, [2]])
def test_a_format_that_is_no_number_is_damage(number, tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    facts = json.loads((version / MANIFEST).read_text()) | {"format": number}
    (version / MANIFEST).write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"damaged: format is .*, expected a whole number from 1"):
        Manifest.read(version)
