"""A pipeline is one file and one row: by its name, everything works with it."""

import json
import sys

import numpy as np
import pytest
import trained

import tfmeta
from tfmeta.pipelines import PIPELINES, Pipeline, listing

STRIPES = '''
"""Striped pictures: a class is how many stripes there are."""

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.splitting import split_classes
from tfmeta.reading.image_format import ImageFormat


def build(*, data_dir=None, num_classes: int = 12, side: int = 8) -> ClassSource:
    rng = np.random.default_rng(0)
    places = np.arange(side) / side
    labels = np.repeat(np.arange(num_classes), 6)
    waves = np.sin(places * 6 * (labels[:, None] + 1) + rng.uniform(0, 6, (len(labels), 1)))
    x = np.rint(127 + 127 * waves)[:, None, :, None].repeat(side, 1).astype(np.uint8)
    splits = split_classes(num_classes, validation=3, test=4)
    names = tuple(f"{number} stripes" for number in range(num_classes))
    index = ClassIndex(x, labels, splits, names)
    return ClassSource("stripes", index, input_format=ImageFormat(side, side))
'''


@pytest.fixture
def stripes(tmp_path, monkeypatch):
    """The file and its row, for as long as a test."""
    (tmp_path / "stripes_pipeline.py").write_text(STRIPES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(
        PIPELINES, "stripes", Pipeline("stripes_pipeline:build", "striped pictures")
    )
    yield
    sys.modules.pop("stripes_pipeline", None)


def test_it_is_listed_inspected_trained_and_evaluated_by_its_name(stripes, tmp_path, capfd):
    assert listing()["stripes"] == {
        "summary": "striped pictures",
        "options": {"num_classes": 12, "side": 8},
    }
    found = tfmeta.inspect("stripes", ways=2, queries=2, contact_sheet=tmp_path / "sheet.png")
    assert found
    assert found["splits"]["train"]["classes"] == 5
    assert (tmp_path / "sheet.png").is_file()
    options = {"steps": 2, "meta_batch": 2, "validation_tasks": 2, "ways": 2, "queries": 2}
    run = tfmeta.train(
        "stripes",
        algorithm="prototypical",
        run_dir=tmp_path / "run",
        pipeline_options={"num_classes": 13},
        network_options={"filters": 4, "num_blocks": 1},
        **options,
    )
    assert json.loads((tmp_path / "run/config.json").read_text())["pipeline.num_classes"] == 13
    status, output, errors = trained.inside(capfd, "evaluate", run.path, "--tasks", 5, "--json")
    assert status == 0, errors
    result = json.loads(output)
    assert (result["num_tasks"], result["split"]) == (5, "test")
    assert np.isfinite(result["accuracy"])
    test_classes = json.loads((tmp_path / "run/splits.json").read_text())["test"]
    assert len(test_classes) == 4
    assert set(test_classes) <= {f"{number} stripes" for number in range(13)}


def test_an_option_that_it_does_not_have_is_refused(stripes):
    with pytest.raises(tfmeta.UserError, match=r"stripes has no option 'size'; it has: num_classe"):
        tfmeta.inspect("stripes", pipeline_options={"size": 4})
