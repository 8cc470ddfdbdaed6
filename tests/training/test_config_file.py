"""config.json: its format, and runs that an older or a newer version wrote."""

import json
import shutil

import numpy as np
import pytest
import trained
from small_runs import VALUES, lines, train

import tfmeta
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory
from tfmeta.typed_fields import DIGEST, with_digest


def rewrite(run, change):
    """Changes what config.json holds, as a version that wrote it so would have: with its digest."""
    path = run / "config.json"
    content = json.loads(path.read_text())
    content.pop(DIGEST)
    change(content)
    path.write_text(json.dumps(with_digest(content)))


@pytest.fixture
def run(tmp_path):
    """A run of 4 steps."""
    return train(tmp_path / "run", VALUES, steps=4).path


def test_a_run_says_its_format(run):
    content = json.loads((run / "config.json").read_text())
    assert content["format"] == 2
    assert content["outer_lr"] == 0.001


def test_a_run_without_a_format_loads_evaluates_and_goes_on(run, tmp_path):
    shutil.copytree(run, tmp_path / "new")
    rewrite(run, lambda content: content.pop("format"))
    settings = [RunDirectory.open(path).settings for path in (run, tmp_path / "new")]
    assert settings[0] == settings[1]
    assert tfmeta.evaluate(run, tasks=2)["num_tasks"] == 2
    paths = (run, tmp_path / "new")
    old, new = (tfmeta.train(run_dir=path, resume=True, steps=8) for path in paths)
    assert lines(old) == lines(new)
    assert [line["step"] for line in lines(old)] == [4, 8]
    assert json.loads((run / "config.json").read_text())["format"] == 2  # written anew


def test_a_run_of_before_took_arrays_of_images_for_vectors(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)
    np.savez(tmp_path / "x.npz", x=images, y=np.arange(60) // 6)
    options = {"ways": 2, "queries": 2, "steps": 2, "validation_tasks": 0}
    run = tfmeta.train(
        "arrays",
        data_dir=tmp_path / "x.npz",
        pipeline_options={"images": False},
        algorithm="prototypical",
        run_dir=tmp_path / "run",
        **options,
    ).path
    before = tfmeta.evaluate(run, tasks=2)
    rewrite(run, lambda content: [content.pop(key) for key in ("format", "pipeline.images")])
    assert tfmeta.evaluate(run, tasks=2).facts == before.facts


@pytest.mark.fault(
    "a run that a newer version of tfmeta wrote", "refused, with the command that installs it"
)
def test_a_newer_format_is_refused_with_what_to_do(run):
    rewrite(run, lambda content: content.update(format=3))
    words = r"is of format 3, and this version .* up to 2.* pip install --upgrade tfmeta"
    with pytest.raises(UserError, match=words):
        tfmeta.load(run)
    with pytest.raises(UserError, match=words):
        tfmeta.train(run_dir=run, resume=True)


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2", None])
def test_a_format_that_is_not_a_number_is_refused(number, run):
    rewrite(run, lambda content: content.update(format=number))
    with pytest.raises(UserError, match=r"damaged: received format=.*; expected a whole number"):
        tfmeta.load(run)


def test_a_printed_config_is_taken_again(tmp_path, capfd):
    arguments = ["train", "sinusoid", "--shots", 3, "--print-config"]
    printed = trained.inside(capfd, *arguments)[1]
    assert json.loads(printed)["format"] == 2
    (tmp_path / "config.json").write_text(printed)
    again = trained.inside(capfd, "train", "--config", tmp_path / "config.json", "--print-config")
    assert again[1] == printed
