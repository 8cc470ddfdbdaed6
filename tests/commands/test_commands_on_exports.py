"""Commands that write, verify or ask an export: one clear line for every mistake."""

import shutil

import pytest
import trained
from trained import error_line

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
    assert "--support PATH" in fails("export", trained.glyph_run(), *arguments)
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
    assert "arrow.jpg is an image, and this model takes no images but rows of numbers" in line
    arguments = [trained.sinusoid_export(), *trained.query_files(), *support]
    line = error_line(trained.tfmeta("predict", *arguments), status=2)
    assert "arrow.jpg is an image, and this model takes no images but rows of numbers" in line


def test_predicting_with_what_is_no_model(fails, tmp_path):
    assert f"there is no export in {tmp_path}" in fails("predict", tmp_path, *trained.query_files())
