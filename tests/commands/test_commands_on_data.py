"""Data that does not fit what is asked for: one clear line."""

import sys

import pytest

# Data that does not fit
THREE_CLASSES = """
import numpy as np
from tfmeta.reading.image_format import ImageFormat
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource

def build(*, data_dir=None, examples: int = 20):
    images = np.zeros((9 * examples, 8, 8, 1), np.uint8)
    labels = np.repeat(np.arange(9), examples)
    splits = {s: np.arange(3) + 3 * i for i, s in enumerate(("train", "validation", "test"))}
    names = tuple(f"class-{i}" for i in range(9))
    index = ClassIndex(images, labels, splits, names)
    return ClassSource("three", index, input_format=ImageFormat(8, 8))
"""


@pytest.fixture
def three_classes(tmp_path, monkeypatch):
    """Puts a pipeline `mine.three:build` of three classes a split on the path; gives its folder."""
    package = tmp_path / "path" / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "three.py").write_text(THREE_CLASSES)
    monkeypatch.syspath_prepend(package.parent)
    yield package.parent
    for name in ("mine.three", "mine"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("three_classes")
def test_five_ways_from_three_classes(fails, tmp_path):
    line = fails("train", "mine.three:build", "--run-dir", tmp_path / "run")
    for part in ("5 ways", "train split of three has 3", "Lower --ways"):
        assert part in line
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("three_classes")
@pytest.mark.parametrize("option", ["--shots", "--queries"])
def test_more_shots_than_images(option, fails, tmp_path):
    arguments = ["--ways", 3, "--shots", 1, "--queries", 1, option, 20]
    line = fails("train", "mine.three:build", *arguments, "--run-dir", tmp_path / "run")
    # Training asks for as many queries as the learner's recipe; validation for the user's.
    first = {"--shots": "class-0: 20", "--queries": "class-3: 20"}[option]
    for part in ("need 21 examples per class", first, "Lower --shots or --queries"):
        assert part in line
    assert not (tmp_path / "run").exists()


def test_a_validation_split_that_alone_is_too_small(three_classes, fails, tmp_path):
    source = three_classes / "mine" / "three.py"
    source.write_text(source.read_text().replace("3) + 3 * i", "3 - (i == 1)) + 3 * i"))
    line = fails("train", "mine.three:build", "--ways", 3, "--run-dir", tmp_path / "run")
    assert "validation split of three has 2" in line
    assert "--set validation_tasks=0" in line


def test_omniglot_that_is_not_there(fails, tmp_path):
    line = fails("train", "omniglot", "--data-dir", tmp_path / "data")
    assert f"Omniglot is not in {tmp_path / 'data'}" in line
    assert "--data-dir" in line
    assert not (tmp_path / "data").exists()
